"""How quick the window is with a long run: opening, moving the playhead, scrolling, streaming.

The run is made up: random effects over random words. Nothing here says anything about a model, and none is
loaded.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.calibrating import Installed, Wish
from app.engine import Progress, Request
from app.recording import into
from app.run_state import RunState
from app.theme import Theme
from app.window import Places, Window
from core.control import RunControl
from core.events import EffectsEstimated, Event, Finished, Started, TokenDecoded, fold
from core.regions import Region, RegionMap
from core.screenshot import Screenshot, from_array
from core.store import save_trace
from core.trace import Identity, Measurement, Phase, Sampling, Token, Trace
from models.checkpoint import Loading

if TYPE_CHECKING:
    from core.adaptation import AdaptationEvent

TOKENS, REGIONS, WIDTH, HEIGHT = 32_768, 128, 3840, 2160
STREAMED_A_SECOND = 200.0
FRAME = 0.016
WORDS = "the value of chart bar left is 42 and so we add north south total 17 row column . =".split()
STEP = 12
"""Tokens of a step."""

Say = Callable[[str, float | None], None]


def bench_window(
    tokens: int = TOKENS,
    regions: int = REGIONS,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    moves: int = 500,
    stream_seconds: float = 10.0,
    say: Say | None = None,
) -> dict[str, object]:
    """Drive the real window with a made-up run.

    Args:
        tokens, regions, size: of the run and its screenshot (width, height).
        moves: how often the playhead moves, and how often the text is scrolled.
        stream_seconds: how long a run streams at ``STREAMED_A_SECOND`` tokens a second.
        say: told what is going on.

    Returns:
        plain JSON: {"platform", "tokens", "regions", "screenshot", "open_seconds", "open_read_seconds",
        "playhead_ms", "step_ms", "scroll_ms", "fixed_ms", "late_ms": {"median", "p99", "worst",
        "processor_p99"}, "streamed_tokens_per_second", "peak_memory_mib"}; "late_ms" is how late a 16 ms
        timer is while a run streams; "fixed_ms" is a piece of work that is always the same, done between the
        moves: what it varies by is the machine's doing; "peak_memory_mib" is None where it cannot be read.
    """
    tell = say or (lambda text, part: None)
    app = QApplication.instance() or QApplication(["sightline"])
    assert isinstance(app, QApplication)
    theme = Theme(app, "light")
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
            QSettings.setPath(QSettings.Format.IniFormat, scope, folder)  # not the person's own
        path = Path(folder) / "long.sightline"
        tell("Making a long run up", None)
        screenshot = _screenshot(*size)
        region_map = _regions(*size, regions)
        save_trace(path, _trace(screenshot, region_map, tokens))
        window = Window(_Streamer(region_map, stream_seconds), theme, Places(Path(folder), ()))
        window.resize(1280, 800)
        window.show()
        app.processEvents()
        tell("Opening it", None)
        opened, read = _open(app, window, path)
        tell("Moving the playhead", None)
        session = window.controller.session
        random = np.random.default_rng(0)
        places = random.integers(0, tokens, moves).tolist()
        fixed: list[tuple[float, float]] = []

        def moved(act: Callable[[], object]) -> tuple[float, float]:
            fixed.append(_timed(app, _fixed_work))
            return _timed(app, act)

        result: dict[str, object] = {
            "platform": app.platformName(),
            "tokens": tokens,
            "regions": regions,
            "screenshot": list(size),
            "open_seconds": round(opened, 3),
            "open_read_seconds": round(read, 3),
            "playhead_ms": _spread([moved(partial(session.select, i)) for i in places]),
            "step_ms": _spread([moved(partial(session.select_step, i // STEP)) for i in places]),
        }
        result["fixed_ms"] = _spread(fixed)
        tell("Scrolling the text", None)
        bar = window.reasoning.text.verticalScrollBar()
        session.select(0)
        bar.setValue(0)
        app.processEvents()
        scrolled = [_timed(app, partial(bar.setValue, 3 * i)) for i in range(1, moves + 1)]
        result["scroll_ms"] = _spread(scrolled)
        tell("Streaming", None)
        result |= _stream(app, window, screenshot)
        window.controller.close()
        window.close()
    result["peak_memory_mib"] = _peak_memory()
    return result


def table(result: dict[str, object]) -> str:
    """The result as text for a terminal."""
    lines = [
        f"{result['tokens']:,} tokens, {result['regions']} regions, screenshot "
        f"{'{} × {}'.format(*result['screenshot'])}, platform {result['platform']}",  # type: ignore[misc]
        f"opening the trace{'':<12}{result['open_seconds']:>8.2f} s",
        f"{'milliseconds':<29}{'median':>8}{'p99':>8}{'worst':>8}{'p99 of processor':>18}",
    ]
    for key, label in (
        ("playhead_ms", "playhead to a token, redrawn"),
        ("step_ms", "playhead to a step, redrawn"),
        ("fixed_ms", "(the same work every time)"),
        ("scroll_ms", "text scrolled by 3 lines"),
        ("late_ms", "event loop late, streaming"),
    ):
        row: dict[str, float] = result[key]  # type: ignore[assignment]
        own = f"{row['processor_p99']:>18.1f}" if "processor_p99" in row else ""
        lines.append(f"{label:<29}{row['median']:>8.1f}{row['p99']:>8.1f}{row['worst']:>8.1f}{own}")
    lines.append(f"streamed at{'':<18}{result['streamed_tokens_per_second']:>8.0f} tokens/s")
    memory = result["peak_memory_mib"]
    lines.append(f"peak memory{'':<18}" + ("unknown" if memory is None else f"{memory:>8.0f} MiB"))
    return "\n".join(lines)


def _open(app: QApplication, window: Window, path: Path) -> tuple[float, float]:
    """Seconds until the window shows the trace, and those that reading it took alone."""
    from core.store import read_trace

    began = time.perf_counter()
    read_trace(path)
    read = time.perf_counter() - began
    began = time.perf_counter()
    window.open(path)
    while window.controller.session.selection is None:
        app.processEvents()
        time.sleep(0.001)
    app.processEvents()
    return time.perf_counter() - began, read


def _timed(app: QApplication, act: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that ``act`` and drawing what it changed take, by the clock and of the processor."""
    began, worked = time.perf_counter(), time.thread_time()
    act()
    app.processEvents()
    return 1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - worked)


def _fixed_work() -> int:
    """Plain Python for about as long as a move takes."""
    total, seen = 0, dict[int, int]()
    for i in range(60_000):
        seen[i & 1023] = total
        total += i * 3 & 7
    return total


def _stream(app: QApplication, window: Window, screenshot: Screenshot) -> dict[str, object]:
    """Run at full speed of the made-up engine and note how late the event loop is."""
    controller = window.controller
    controller.open_pixels(screenshot.pixels, "made up")
    _wait(app, lambda: controller.scene is not None and controller.scene.region_map is not None
          and controller.session.trace is None)  # fmt: skip
    controller.run("What is there?", Sampling(max_new_tokens=TOKENS), None)
    _wait(app, lambda: len(controller.session.trace or ()) > 20)
    late: list[tuple[float]] = []
    due = time.perf_counter() + FRAME
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def tick() -> None:
        nonlocal due
        now = time.perf_counter()
        late.append((1000 * max(0.0, now - due),))
        due = now + FRAME

    timer.timeout.connect(tick)
    timer.start(round(1000 * FRAME))
    began, first = time.perf_counter(), len(controller.session.trace or ())
    _wait(app, lambda: controller.state is RunState.IDLE)
    timer.stop()
    seconds = time.perf_counter() - began
    trace = controller.session.trace
    assert trace is not None
    return {
        "late_ms": _spread(late),
        "streamed_tokens_per_second": round((len(trace) - first) / seconds, 1),
    }


def _wait(app: QApplication, until: Callable[[], bool]) -> None:
    while not until():
        app.processEvents()
        time.sleep(0.0005)


def _spread(values: Sequence[tuple[float, ...]]) -> dict[str, float]:
    """Median, 99th percentile and worst by the clock; the 99th percentile of processor time where known.

    On a machine with other work the two differ by what the others take.
    """
    clock = [value[0] for value in values]
    spread = {
        "median": round(float(np.median(clock)), 2),
        "p99": round(float(np.percentile(clock, 99)), 2),
        "worst": round(max(clock), 2),
    }
    if len(values[0]) > 1:
        spread["processor_p99"] = round(float(np.percentile([value[1] for value in values], 99)), 2)
    return spread


def _peak_memory() -> float | None:
    """The most memory this process has taken, in MiB; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def _screenshot(width: int, height: int) -> Screenshot:
    """Blocks of noise over a gradient, so that it is neither trivial nor impossible to compress."""
    random = np.random.default_rng(1)
    ramp = np.linspace(200, 250, width, dtype=np.uint8)
    pixels = np.repeat(np.repeat(ramp[None, :, None], height, 0), 3, 2).copy()
    for _ in range(60):
        x, y = int(random.integers(0, width - 200)), int(random.integers(0, height - 60))
        block = random.integers(0, 255, (30, 100, 3), np.uint8).repeat(2, 0).repeat(2, 1)
        pixels[y : y + 60, x : x + 200] = block
    return from_array(pixels, "made up")


def _regions(width: int, height: int, count: int) -> RegionMap:
    """A grid of ``count`` − 1 regions and the background."""
    columns = 16
    rows = -(-(count - 1) // columns)
    labels = np.zeros((height, width), np.uint8)
    regions = [Region(0, "background", (0, 0, width, height), 0, None, "background")]
    for number in range(1, count):
        row, column = divmod(number - 1, columns)
        left, right = width * column // columns + 4, width * (column + 1) // columns - 4
        top, bottom = height * row // rows + 4, height * (row + 1) // rows - 4
        labels[top:bottom, left:right] = number
        box = (left, top, right - left, bottom - top)
        regions.append(Region(number, f"part {number}", box, box[2] * box[3], None, "grid"))
    background = Region(0, "background", (0, 0, width, height), int((labels == 0).sum()), None, "background")
    return RegionMap(labels, (background, *regions[1:]))


def _tokens(count: int) -> Iterator[Token]:
    for index in range(count):
        phase: Phase = "answer" if index >= count * 0.95 else "thinking"
        text = WORDS[index % len(WORDS)] + ("\n" if index % STEP == STEP - 1 else " ")
        yield Token(index, index % 1000, text, -0.5, phase, index // STEP)


def _effects(count: int, regions: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    effects = random.normal(0, 0.05, (count, regions)).astype(np.float32)
    effects[np.arange(0, count, 3), random.integers(0, regions, len(range(0, count, 3)))] += 3.0
    return effects, effects.sum(1)


def _trace(screenshot: Screenshot, region_map: RegionMap, tokens: int) -> Trace:
    who = Identity("made up for a benchmark")
    sampling = Sampling(max_new_tokens=tokens)
    trace = Trace(screenshot, region_map, "What is there?", who, who, who, sampling)
    for token in _tokens(tokens):
        trace.add_token(token)
    trace.set_effects(0, *_effects(tokens, len(region_map)))
    fold(trace, Finished(0, "done", STREAMED_A_SECOND))
    return trace


class _Streamer:
    """An engine that writes random words at a fixed rate, each with its effects."""

    segmenters: tuple[str, ...] = ("grid",)
    generated_only = False
    uncalibrated = False

    def __init__(self, region_map: RegionMap, seconds: float) -> None:
        self._region_map = region_map
        self._count = round(seconds * STREAMED_A_SECOND)

    def warm_up(self, progress: Progress) -> tuple[Identity, str]:
        return Identity("made up"), "none"

    def use(self, model: str, loading: Loading, progress: Progress) -> tuple[Identity, str]:
        return self.warm_up(progress)

    def segment(
        self, screenshot: Screenshot, name: str, progress: Progress, cancelled: Callable[[], bool]
    ) -> tuple[RegionMap, Identity]:
        return self._region_map, Identity("grid")

    def measure(
        self,
        trace: Trace,
        spans: Sequence[tuple[int, int]],
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> list[Measurement]:
        return []  # there is no model

    def calibrate(
        self, wish: Wish, progress: Progress, cancelled: Callable[[], bool]
    ) -> Iterator[AdaptationEvent | Installed]:
        return iter(())

    def reattribute(
        self, trace: Trace, region_map: RegionMap, segmenter: Identity, control: RunControl
    ) -> Iterator[Event]:
        yield from ()  # nor are regions changed

    def masks(
        self,
        screenshot: Screenshot,
        segmenter: str,
        prompt: tuple[int, ...],
        cancelled: Callable[[], bool],
    ) -> list[np.ndarray]:
        return []

    def visual_tokens(self, width: int, height: int) -> int:
        return max(1, width * height // 1024)

    def run(self, request: Request, control: RunControl) -> Iterator[Event]:
        who = Identity("made up for a benchmark")
        trace = Trace(request.screenshot, request.region_map, request.prompt, who, who, who, request.sampling)
        writer = into(request.trace_path)(trace)
        yield Started(request.generation, trace)
        effects, reliance = _effects(self._count, len(request.region_map))
        began = time.monotonic()
        for token in _tokens(self._count):
            time.sleep(max(0.0, began + token.index / STREAMED_A_SECOND - time.monotonic()))
            at = slice(token.index, token.index + 1)
            for event in (
                TokenDecoded(request.generation, token),
                EffectsEstimated(request.generation, token.index, effects[at], reliance[at]),
            ):
                writer.write(event)
                yield event
        writer.close("finished")
        yield Finished(request.generation, "done", STREAMED_A_SECOND)

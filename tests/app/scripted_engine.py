"""An engine for tests of the app: no model, a run that is written down beforehand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.calibrating import Installed, Wish
from app.engine import Progress, Request
from app.recording import into
from core.control import RunControl
from core.errors import InputError
from core.events import EffectsEstimated, Event, Finished, Stage, Started, TokenDecoded
from core.reattribution import OtherModelError
from core.regions import Region, RegionMap
from core.screenshot import Screenshot
from core.trace import Identity, Measurement, Token, Trace
from models.checkpoint import Loading

if TYPE_CHECKING:
    from core.adaptation import AdaptationEvent


class ScriptedEngine:
    """Finds four quadrants in any screenshot; a run yields ``tokens`` tokens, ``work()`` before each one."""

    segmenters = ("quadrants", "halves")
    generated_only = True

    def __init__(
        self,
        tokens: int = 40,
        work: Callable[[], None] = lambda: time.sleep(0.002),
        breaks_at: int = -1,
        uncalibrated: bool = False,
    ) -> None:
        self.uncalibrated = uncalibrated
        self.tokens = tokens
        self.work = work
        self.breaks_at = breaks_at
        self.runs = 0
        self.measured: list[list[tuple[int, int]]] = []
        self.measuring_takes = 0
        self.refuses = ""
        self.wishes: list[Wish] = []
        self.calibrating_takes = 0
        self.prompts: list[tuple[int, ...]] = []
        self.asked_in: threading.Thread | None = None
        self.asking_takes = 0.0
        self.no_sam = ""
        self.passes = 0
        self.attributing_takes = 0.0
        self.other_model = ""

    def warm_up(self, progress: Progress) -> tuple[Identity, str]:
        progress("Loading the model", None)
        return Identity("scripted"), "cpu"

    def use(self, model: str, loading: Loading, progress: Progress) -> tuple[Identity, str]:
        if model == "broken":
            raise InputError("The model broken does not fit into memory.")
        self.used = (model, loading)
        return Identity(model), "cpu · uncalibrated"

    def segment(
        self, screenshot: Screenshot, name: str, progress: Progress, cancelled: Callable[[], bool]
    ) -> tuple[RegionMap, Identity]:
        return quadrants(screenshot, halves=name == "halves"), Identity(name)

    def run(self, request: Request, control: RunControl) -> Iterator[Event]:
        self.runs += 1
        number = request.generation
        yield Stage(number, "Reading the screenshot", None)
        trace = Trace(
            request.screenshot,
            request.region_map,
            request.prompt,
            Identity("scripted"),
            request.segmenter,
            Identity("scripted"),
            request.sampling,
        )
        writer = into(request.trace_path)(trace)
        status: str | None = "failed"
        try:
            yield Started(number, trace)
            for event in self._tokens(number, len(request.region_map), control):
                writer.write(event)
                yield event
            status = None
        finally:
            writer.close(status)

    def measure(
        self,
        trace: Trace,
        spans: Sequence[tuple[int, int]],
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> list[Measurement]:
        """Twice what was estimated; masks judge it accordingly."""
        self.measured.append(list(spans))
        if self.refuses:
            raise InputError(self.refuses)
        for done in range(self.measuring_takes):
            progress("Measuring", done / self.measuring_takes)
            time.sleep(0.01)
            if cancelled():
                return []
        masks = np.random.default_rng(0).random((16, len(trace.region_map))) < 0.5
        found = []
        for start, end in spans:
            effects = 2 * trace.span_effects(start, end)
            found.append(
                Measurement(start, end, "pixels", effects, float(effects.sum()), -1.0, masks, masks @ effects)
            )
        return found

    def calibrate(
        self, wish: Wish, progress: Progress, cancelled: Callable[[], bool]
    ) -> Iterator[AdaptationEvent | Installed]:
        """Three passes, each better than the one before."""
        from core.adaptation import Divided, Judged
        from core.faithfulness import Interval
        from core.held_out import Agreement

        self.wishes.append(wish)
        if self.refuses:
            raise InputError(self.refuses)
        yield Divided(12, 3, 15)
        for number, found in enumerate((0.42, 0.55, 0.63)):
            for _ in range(self.calibrating_takes):
                progress("Examining screenshots to learn from", number / 3)
                time.sleep(0.01)
                if cancelled():
                    return
            interval = Interval(found, found - 0.05, found + 0.05, 30)
            yield Judged(8 * number, 8 * number, Agreement(interval, interval, 3))
        self.uncalibrated = False
        sentence = "Held-out LDS .42 → .63 on 3 screenshots that it never learned from; it no longer rose."
        yield Installed(Path("estimators/scripted"), {}, sentence)

    def masks(
        self,
        screenshot: Screenshot,
        segmenter: str,
        prompt: tuple[int, ...],
        cancelled: Callable[[], bool],
    ) -> list[np.ndarray]:
        """Squares of three sizes around a point; of a box, what is a pixel inside."""
        self.prompts.append(prompt)
        self.asked_in = threading.current_thread()
        if self.no_sam:
            raise InputError(self.no_sam)
        until = time.monotonic() + self.asking_takes
        while time.monotonic() < until:
            time.sleep(0.005)
            if cancelled():
                return []
        boxes = (
            [(prompt[0] - r, prompt[1] - r, prompt[0] + r + 1, prompt[1] + r + 1) for r in (2, 5, 9)]
            if len(prompt) == 2
            else [(prompt[0] + 1, prompt[1] + 1, prompt[2] - 1, prompt[3] - 1)]
        )
        return [_square(screenshot, box) for box in boxes]

    def visual_tokens(self, width: int, height: int) -> int:
        return 48  # 100 pixels each of a screenshot of 80 × 60

    def reattribute(
        self, trace: Trace, region_map: RegionMap, segmenter: Identity, control: RunControl
    ) -> Iterator[Event]:
        """Every token rests on the last region: 3 nats."""
        self.passes += 1
        yield Stage(0, "Reading the attention again", 0.2)
        if self.other_model:
            raise OtherModelError(self.other_model)
        until = time.monotonic() + self.attributing_takes
        while time.monotonic() < until:
            time.sleep(0.005)
            if control.stopped:
                return
        again = Trace(
            trace.screenshot, region_map, trace.prompt, trace.model, segmenter, Identity("again"),
            trace.sampling,
        )  # fmt: skip
        yield Started(0, again)
        for token in trace.tokens:
            yield TokenDecoded(0, token)
        effects = np.zeros((len(trace), len(region_map)), np.float32)
        effects[:, -1] = 3.0
        yield EffectsEstimated(0, 0, effects, effects.sum(1))
        yield Finished(0, "done", 100.0)

    def _tokens(self, number: int, regions: int, control: RunControl) -> Iterator[Event]:
        half = self.tokens // 2
        for i in range(self.tokens):
            control.wait(time.monotonic())
            if control.stopped:
                yield Finished(number, "stopped", 100.0)
                return
            if i == self.breaks_at:
                raise RuntimeError("the model broke")
            self.work()
            yield TokenDecoded(
                number, Token(i, i, f"word{i} ", -0.5, "thinking" if i < half else "answer", i // 10)
            )
            effects = np.zeros((1, regions), np.float32)
            effects[0, i % regions] = 2.0
            yield EffectsEstimated(number, i, effects, effects.sum(1))
        yield Finished(number, "done", 100.0)


def _square(screenshot: Screenshot, box: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((screenshot.height, screenshot.width), bool)
    mask[max(box[1], 0) : box[3], max(box[0], 0) : box[2]] = True
    return mask


def quadrants(screenshot: Screenshot, halves: bool = False) -> RegionMap:
    """A region map of the background and four (or two) equal parts around it."""
    height, width = screenshot.height, screenshot.width
    labels = np.zeros((height, width), np.uint8)
    columns = ((0, width // 2), (width // 2, width))
    rows = ((0, height),) if halves else ((0, height // 2), (height // 2, height))
    number = 0
    for top, bottom in rows:
        for left, right in columns:
            number += 1
            labels[top + 1 : bottom - 1, left + 1 : right - 1] = number
    regions = [Region(0, "background", (0, 0, width, height), int((labels == 0).sum()), None, "background")]
    for i in range(1, number + 1):
        ys, xs = np.nonzero(labels == i)
        box = (int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1)
        regions.append(Region(i, f"part {i}", box, len(xs), None, "grid"))
    return RegionMap(labels, tuple(regions))

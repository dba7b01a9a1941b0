"""One run of a thinking model over a screenshot, without a window. The reasoning streams to standard output;
the trace and the annotated picture are left in a folder."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import BAD_INPUT, DONE, FAILED, INTERRUPTED
from app.cli.console import Stream, progress, say
from app.cli.loading import add_arguments as add_loading_arguments
from app.cli.loading import loading_of
from core.errors import InputError
from core.paths import reachable

if TYPE_CHECKING:
    from app.engine import EngineLike, Request
    from core.control import RunControl
    from core.trace import Trace


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline run``."""
    add = parser.add_argument
    add("image", metavar="IMAGE", nargs="+", help="the screenshot; several, or a folder, run one by one")
    add("--prompt", metavar="P", help="the question (default: one that fits the screenshot)")
    add(
        "--model",
        metavar="M",
        default="bundled",
        help="bundled, a folder, or the Hugging Face id of a cached one",
    )
    add("--segmenter", metavar="S", help="how regions are found; sam:CHECKPOINT for a model")
    add(
        "--estimator",
        metavar="E",
        default="auto",
        help="auto, bundled, none (uncalibrated attention), or a folder",
    )
    add("--max-new-tokens", metavar="N", type=int, default=512, help="end after N tokens (512)")
    add("--seed", metavar="N", type=int, default=0, help="the same seed gives the same run (0)")
    add("--temperature", metavar="T", type=float, default=0.0, help="0 always takes the likeliest token (0)")
    add_loading_arguments(parser)
    add("--out", metavar="DIR", help="where to (default: a new folder in ./sightline-out)")
    add("--json", action="store_true", help="print one JSON object a run instead of the reasoning")


def run(args: Namespace) -> int:
    """Do ``sightline run``."""
    _check_estimator(args.estimator)
    images = [image for name in args.image for image in _images(reachable(name))]
    out = Path(args.out) if args.out is not None else None
    if len(images) == 1:
        return _run_one(args, images[0], out)
    from app.engine import Engine

    engine = Engine(args.model, args.estimator, loading=loading_of(args))
    parent, codes = out or Path("sightline-out"), []
    for number, image in enumerate(images, 1):
        say(f"{image.name} ({number} of {len(images)})")
        try:
            codes.append(_run_one(args, image, _new_folder(parent, image.stem), engine))
        except InputError as error:
            say(f"sightline: {error}")
            codes.append(BAD_INPUT)
        if codes[-1] == INTERRUPTED:
            break
    return next((code for code in codes if code != DONE), DONE)


def _check_estimator(name: str) -> None:
    """Raises InputError for a folder that holds no usable estimator, before anyone waits for regions."""
    if name not in ("auto", "bundled", "none"):
        from core.estimator import read_config

        read_config(Path(name))


def _images(path: Path) -> list[Path]:
    """A screenshot, or those in a folder."""
    from app.batch import images_in

    return images_in(path) if path.is_dir() else [path]


def _run_one(args: Namespace, image: Path, out: Path | None, engine: EngineLike | None = None) -> int:
    from app.engine import Engine

    return run_image(
        image,
        prompt=args.prompt,
        model=args.model,
        segmenter=args.segmenter,
        estimator=args.estimator,
        max_new_tokens=args.max_new_tokens,
        seed=args.seed,
        temperature=args.temperature,
        out=out,
        as_json=args.json,
        engine=engine or Engine(args.model, args.estimator, loading=loading_of(args)),
    )


def run_image(
    image: Path,
    prompt: str | None = None,
    model: str = "bundled",
    segmenter: str | None = None,
    estimator: str = "auto",
    max_new_tokens: int = 512,
    seed: int = 0,
    temperature: float = 0.0,
    device: str = "auto",
    family: str = "",
    out: Path | None = None,
    as_json: bool = False,
    engine: EngineLike | None = None,
) -> int:
    """Run, stream, and leave ``trace.sightline`` and ``annotated.png`` in ``out``; returns the exit code."""
    from app.engine import Engine, Request
    from app.recording import make_folder
    from app.samples import GENERATED_ONLY, questions, truth_of
    from core.control import RunControl
    from core.quantity import UNCALIBRATED
    from core.screenshot import load_screenshot
    from core.trace import Sampling
    from models.checkpoint import Loading
    from models.segmenters import DEFAULT, load_or_default

    _check(prompt, max_new_tokens, seed, temperature)
    screenshot = load_screenshot(image)
    truth = truth_of(image)
    if model == "bundled" and truth is None:
        say(f"Note: {GENERATED_ONLY}")
    if prompt is None:
        prompt = questions(truth)[0]
        say(f"Question: {prompt}")
    out = out or _new_folder(Path("sightline-out"), image.stem)
    make_folder(out)
    tell = progress()
    engine = engine or Engine(model, estimator, loading=Loading(device, family=family))
    name, _ = load_or_default(segmenter or DEFAULT, say)
    region_map, identity = engine.segment(screenshot, name, tell, lambda: False)
    engine.warm_up(tell)
    sampling = Sampling(temperature=temperature, seed=seed, max_new_tokens=max_new_tokens)
    request = Request(0, screenshot, region_map, identity, prompt, sampling, out / "trace.sightline")
    control = RunControl()
    began = time.monotonic()
    trace = _follow(engine, request, control, Stream() if not as_json else None)
    seconds = time.monotonic() - began
    picture = _draw(trace, out / "annotated.png")
    if trace.quantity is UNCALIBRATED:
        say("Note: this model has no estimator here; regions show uncalibrated attention, not effects.")
    if as_json:  # in ASCII, so that nothing a model writes can command the terminal
        print(json.dumps(_summary(trace, request.trace_path, picture, seconds)))
    say(f"Trace:   {request.trace_path}\nPicture: {picture or 'could not be drawn'}")
    if trace.status == "failed":
        say(f"sightline: {trace.details.get('failure', 'The run failed.')}")
        return FAILED
    return INTERRUPTED if control.stopped else DONE


def _follow(engine: EngineLike, request: Request, control: RunControl, stream: Stream | None) -> Trace:
    """Consume the run; thinking and answer go to ``stream`` as they come. The first Ctrl+C ends it gently."""
    from core.events import Failed, Finished, Started, TokenDecoded, fold

    trace: Trace | None = None
    phase = ""
    with _gently(control):
        for event in engine.run(request, control):
            if isinstance(event, Started):
                trace = event.trace
            elif trace is not None:
                fold(trace, event)
            if isinstance(event, TokenDecoded) and stream is not None:
                text = event.token.text
                if event.token.phase == "answer" and phase != "answer":
                    stream.write("\n\nAnswer: " if phase else "Answer: ")
                    text = text.lstrip()
                phase = event.token.phase
                stream.write(text)
            elif isinstance(event, Finished | Failed) and stream is not None:
                stream.write("\n")
    if trace is None:
        raise InputError("The run ended before it began. Try again.")
    return trace


@contextlib.contextmanager
def _gently(control: RunControl) -> Iterator[None]:
    """Ctrl+C ends the run after the current token; a second one at once."""

    def stop(_number: int, _frame: object) -> None:
        if control.stopped:
            raise KeyboardInterrupt
        control.stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _draw(trace: Trace, picture: Path) -> Path | None:
    """Draw the annotated picture; None where there is no memory for it, or where the run failed and this does
    too, as it may in many ways without memory: why the run failed is what has to be told."""
    from core.memory import out_of_memory

    try:
        from core.export.registry import format_named

        format_named("png").export(trace, picture)
    except Exception as error:
        if trace.status != "failed" and not out_of_memory(error):
            raise
        return None
    return picture


def _summary(trace: Trace, path: Path, picture: Path | None, seconds: float) -> dict[str, object]:
    """What ``--json`` prints."""
    from core.quantity import ESTIMATED

    effects = trace.span_effects(0, len(trace))
    order = sorted(range(len(effects)), key=lambda i: -float(effects[i]))
    return {
        "status": trace.status,
        "prompt": trace.prompt,
        "thinking": trace.text("thinking").strip(),
        "answer": trace.text("answer").strip(),
        "tokens": len(trace),
        "tokens_per_second": round(float(trace.details.get("tokens_per_second", 0.0)), 2),
        "seconds": round(seconds, 2),
        "model": trace.model.name,
        "segmenter": trace.segmenter.name,
        "estimator": trace.estimator.name,
        "device": trace.details.get("device", ""),
        "effects": {"kind": trace.quantity.kind, "unit": trace.quantity.unit},
        "regions": [
            {
                "id": i,
                "name": trace.region_map.regions[i].name,
                "bbox": list(trace.region_map.regions[i].bbox),
                "estimated_effect" if trace.quantity is ESTIMATED else "attention": round(
                    float(effects[i]), 4
                ),
            }
            for i in order
        ],
        "trace": str(path),
        "picture": str(picture or ""),
    }


def _check(prompt: str | None, max_new_tokens: int, seed: int, temperature: float) -> None:
    if prompt is not None and not prompt.strip():
        raise InputError("The prompt is empty. Give a question about the screenshot.")
    if max_new_tokens < 1:
        raise InputError(f"--max-new-tokens must be at least 1, not {max_new_tokens}.")
    if not 0 <= seed < 2**63:
        raise InputError(f"--seed must be between 0 and 2^63 − 1, not {seed}.")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise InputError(f"--temperature must be 0 or more, not {temperature}.")


def _new_folder(parent: Path, name: str) -> Path:
    """A folder in ``parent`` that does not exist yet, so that no earlier run is overwritten."""
    folder = parent / name
    count = 2
    while reachable(folder).exists():
        folder = parent / f"{name}-{count}"
        count += 1
    return folder

"""Screenshots of one's own as work for a calibration: pictures, questions about them, regions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from core.adaptation import Work
from core.calibration import Item
from core.errors import InputError
from core.features import Features
from core.screenshot import Screenshot, load_screenshot
from core.trace import Identity
from models import segmenters

QUESTIONS: Final = (
    "What is on this screen?",
    "What could be done here next, and where?",
    "What are the most important names and numbers here?",
    "What stands out, and why?",
)
"""What to ask about a screenshot when nobody says: questions that make a model look around."""

ENOUGH: Final = 40
"""Questions in all that a small folder should come to, by asking several about each screenshot."""


@dataclass(frozen=True, slots=True)
class Source:
    """A screenshot before it is decoded.

    Attributes:
        digest: hash of its content.
        load: decodes it. Raises InputError when it is no picture.
        questions: about it in particular, the best first; () for none.
    """

    digest: str
    load: Callable[[], Screenshot]
    questions: tuple[str, ...] = ()


def source_of(path: Path, questions: Sequence[str] = ()) -> Source:
    """A picture file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}). Try another copy.") from None
    return Source(digest, lambda: load_screenshot(path), tuple(questions))


def works(
    sources: Iterable[Source],
    prompts: Sequence[str],
    thinker: Identity,
    segmenter: str = segmenters.DEFAULT,
    masks: int = 32,
    max_new_tokens: int = 160,
    screens: int | None = None,
) -> list[Work]:
    """Questions about screenshots, grouped by screenshot in the order of their hashes.

    Args:
        sources: pictures; of several with the same content the first counts.
        prompts: what to ask about each of them; empty for a picture's own questions or ``QUESTIONS``, of
            which a small folder gets several a screenshot, a large one one, in turn.
        thinker: who will answer.
        segmenter: where regions come from.
        masks, max_new_tokens: how each question will be examined.
        screens: at most so many screenshots.
    """
    found = dict[str, Source]()
    for source in sources:
        found.setdefault(source.digest, source)
    chosen = [found[digest] for digest in sorted(found)][:screens]
    who = segmenters.identity(segmenter)
    told = [thinker.details.get(key) for key in ("dtype", "quantized", "visual_tokens_at_most")]
    how = [
        who.name, who.sha256, masks, max_new_tokens, thinker.sha256, told,
        [field.name for field in fields(Features)],
    ]  # fmt: skip
    each = max(1, round(ENOUGH / max(1, len(chosen))))
    made = []
    for place, source in enumerate(chosen):
        for prompt in prompts or _some(source.questions, each, place):
            key = hashlib.sha256(repr([source.digest, prompt, *how]).encode()).hexdigest()
            made.append(Work(key[:32], source.digest[:16], _maker(source, prompt, segmenter, key)))
    return made


def _some(own: Sequence[str], count: int, place: int) -> list[str]:
    """``count`` different questions about the screenshot at a place: its own, else the usual ones in turn."""
    if own:
        return list(dict.fromkeys(own))[:count]
    return [QUESTIONS[(place + k) % len(QUESTIONS)] for k in range(min(count, len(QUESTIONS)))]


def _maker(source: Source, prompt: str, segmenter: str, key: str) -> Callable[[], Item]:
    def make() -> Item:
        screenshot = source.load()
        region_map = segmenters.segment(screenshot, segmenter)
        if len(region_map) < 2:
            raise InputError(
                f"No regions were found in {screenshot.name}, so there is nothing to learn from it."
            )
        return Item(key[:32], screenshot.pixels, prompt, region_map, int(key[:8], 16))

    return make

"""Screenshots that come with the app, and the truth that lies beside a generated one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent / "resources" / "samples"

KNOWN_QUESTIONS = (
    "Write the HTML of this page.",
    "List the icons.",
    "What is the total?",
    "Which number is the largest?",
    "What is the trend?",
)
"""One question of each kind that the bundled model was trained on; they need no name from the screen."""

GENERATED_ONLY = (
    "The bundled model reads generated screens only, and this does not look like one: expect wrong answers. "
    "Your own screenshots need a real model, such as Qwen3-VL-2B-Thinking (--model; see the README). "
    "Samples has screens that the bundled model can read."
)
"""What a person must know before trusting the bundled model with a screenshot of their own."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a generated screen: its kind, the question it was made for, the right answer, and
    other questions that make sense for it."""

    kind: str
    prompt: str
    answer: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A screenshot that comes with the app; ``title`` is for menus."""

    title: str
    path: Path


def samples(folder: Path = SAMPLES) -> list[Sample]:
    """The samples that are installed, by title."""
    return [Sample(_title(path), path) for path in sorted(folder.glob("*.png"))]


def truth_of(image: Path | None) -> Truth | None:
    """The truth of a generated screen, or None for any other image.

    It lies beside the image as NAME.json, or as truth.json where ``sightline sample`` wrote it.
    """
    if image is None:
        return None
    for beside in (image.with_suffix(".json"), image.with_name("truth.json")):
        try:
            truth = json.loads(beside.read_text(encoding="utf-8"))
            return Truth(
                str(truth["kind"]),
                str(truth["prompt"]),
                str(truth["answer"]),
                tuple(str(question) for question in truth.get("suggestions", ())),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def questions(truth: Truth | None) -> list[str]:
    """What to suggest asking about a screenshot; the first one is the best."""
    if truth is None:
        return list(KNOWN_QUESTIONS)
    return list(dict.fromkeys([truth.prompt, *truth.suggestions]))


def _title(path: Path) -> str:
    truth = truth_of(path)
    name = path.stem.replace("_", " ").replace("-", " ").capitalize()
    return f"{name}: {truth.prompt}" if truth is not None else name

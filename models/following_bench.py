"""How often following attention from an answer leads to what the answer was made from.

    uv run python -m models.following_bench [--screens 30] [--first 2000000] [--held-out]

On generated screens it is known which elements each part of the thinking was read from. A word of the answer
was made from the elements that hold it; where none does (a sum), from those that the thinking took up again
after its list, or from all that were read. Only right answers count. Imports torch.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.estimator import load_estimator
from core.events import Started, fold
from core.evidence import Box, holders
from core.following import follow
from core.run import found, run
from core.screenshot import from_array
from core.trace import Identity, Sampling, Trace
from models.bundled.estimator.items import regions_of
from models.bundled.screens import HELD_OUT, KINDS, Sample, generate
from models.estimators import bundled_estimator
from models.thinker import load_thinker

_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_MARKUP: Final = re.compile(r"<[a-z0-9/]*>?|placeholder")


def made_from(sample: Sample, word: str = "") -> list[Box]:
    """The boxes of the elements that a word of the answer, or all of it, was made from."""
    boxes = {element.id: element.bbox for element in sample.elements}
    reads = [
        (set(_WORD.findall(sample.thinking[e.start : e.end])), [boxes[i] for i in e.elements])
        for e in sample.evidence
    ]
    last = max((e.end for e in sample.evidence), default=0)
    answer = {word} if word else set(_WORD.findall(_MARKUP.sub(" ", sample.answer)))
    held = [where for words, where in reads if words & answer]
    if word and not held:
        return made_from(sample)
    again = [where for words, where in reads if words & set(_WORD.findall(sample.thinking[last:]))]
    return [box for where in held or again or [where for _, where in reads] for box in where]


def words_of_answer(trace: Trace) -> list[tuple[str, int, int]]:
    """The words of the answer, markup left out: text, first token and end."""
    ends = np.cumsum([len(token.text) for token in trace.tokens])
    begin = sum(len(token.text) for token in trace.tokens if token.phase == "thinking")
    text = "".join(token.text for token in trace.tokens)
    blank = _MARKUP.sub(lambda part: " " * len(part.group()), text[begin:])
    return [
        (
            match.group(),
            int(np.searchsorted(ends, begin + match.start(), side="right")),
            int(np.searchsorted(ends, begin + match.end())) + 1,
        )
        for match in _WORD.finditer(blank)
    ]


def hits(trace: Trace, sample: Sample) -> dict[str, list[tuple[bool, bool]]]:
    """Of each word and of the whole answer: whether the top region is right, (direct, followed)."""
    answer = words_of_answer(trace)
    spans = [("words", made_from(sample, word), start, end) for word, start, end in answer]
    if answer:
        spans.append(("answers", made_from(sample), answer[0][1], answer[-1][2]))
    told = defaultdict(list)
    for of, boxes, start, end in spans:
        right = holders(trace.region_map, boxes)
        if right.any():
            leads = follow(trace, start, end)
            direct, both = trace.span_effects(start, end), leads.direct + leads.carried
            told[of].append((bool(right[direct.argmax()]), bool(right[both.argmax()])))
    return told


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table by kind of screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--screens", type=int, default=30, help="of each kind")
    parser.add_argument("--first", type=int, default=2_000_000, help="first seed")
    parser.add_argument("--held-out", action="store_true", help="seeds that nothing was tuned on")
    args = parser.parse_args(arguments)
    thinker = load_thinker("bundled")
    estimator = load_estimator(bundled_estimator())
    told: dict[tuple[str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for seed in range(args.first, args.first + args.screens * len(KINDS)):
        kind = KINDS[seed % len(KINDS)]
        sample = generate(kind, seed + HELD_OUT * args.held_out)
        region_map = regions_of(sample, ("opencv", "truth")[seed // len(KINDS) % 2])
        if len(region_map) < 3:
            continue
        events = run(
            from_array(sample.image, "screen"), sample.prompt, thinker, found(region_map, Identity("truth")),
            estimator, Sampling(max_new_tokens=200),
        )  # fmt: skip
        trace = None
        for event in events:
            trace = event.trace if isinstance(event, Started) else trace
            if trace is not None:
                fold(trace, event)
        if trace is not None and trace.text("answer").strip() == sample.answer.strip():
            for of, pairs in hits(trace, sample).items():
                told[of, kind] += pairs
                told[of, "all"] += pairs
    for (of, kind), pairs in sorted(told.items()):
        direct, both = np.mean(pairs, axis=0)
        print(f"{of:8} {kind:9} {len(pairs):5}  direct {direct:.2f}  followed {both:.2f}")


if __name__ == "__main__":
    main()

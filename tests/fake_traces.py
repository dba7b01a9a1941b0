"""Made-up traces for tests of the panes: no model ran, nothing here is an estimate of anything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.events import EffectsEstimated, Event, Finished, Started, TokenDecoded, fold
from core.regions import Region, RegionMap
from core.screenshot import Screenshot
from core.trace import Identity, Phase, Sampling, Token, Trace

THINKING = (
    "The screen shows a bar chart with three bars .",
    "The left bar is labelled north and it reaches 42 .",
    "The right bar is labelled south and it reaches 17 .",
    "I need the difference so I compute 42 minus 17 which is 25 .",
)
ANSWER = ("The difference is 25 .",)


def fake_screenshot(width: int = 320, height: int = 200) -> Screenshot:
    """A synthetic screenshot: a light page with darker blocks."""
    pixels = np.full((height, width, 3), 244, np.uint8)
    for i in range(4):
        top, left = height * (2 * i + 1) // 10, width // 10
        pixels[top : top + height // 10, left : left + width * (i + 3) // 10] = (
            70 + 30 * i,
            90,
            180 - 30 * i,
        )
    return Screenshot(np.ascontiguousarray(pixels), "fake.png", sha256=f"fake-{width}x{height}")


def grid_regions(width: int, height: int, rows: int = 3, columns: int = 4) -> RegionMap:
    """A grid of ``rows`` x ``columns`` regions with a background margin around it (region 0)."""
    labels = np.zeros((height, width), np.uint8)
    ys = np.linspace(height * 0.06, height * 0.94, rows + 1).astype(int)
    xs = np.linspace(width * 0.06, width * 0.94, columns + 1).astype(int)
    regions = []
    for r in range(rows):
        for c in range(columns):
            region_id = r * columns + c + 1
            labels[ys[r] : ys[r + 1], xs[c] : xs[c + 1]] = region_id
            box = (int(xs[c]), int(ys[r]), int(xs[c + 1] - xs[c]), int(ys[r + 1] - ys[r]))
            name = f"cell {region_id}, row {r + 1}, column {c + 1}"
            regions.append(Region(region_id, name, box, box[2] * box[3], source="grid"))
    rest = int((labels == 0).sum())
    background = Region(0, "background", (0, 0, width, height), rest, source="background")
    return RegionMap(labels, (background, *regions))


def fake_tokens(count: int | None = None) -> list[Token]:
    """Tokens of a short reasoning; with ``count``, its thinking repeats until there are that many."""
    tokens: list[Token] = []
    steps: list[tuple[Phase, str]] = [("thinking", s) for s in THINKING]
    answers: list[tuple[Phase, str]] = [("answer", s) for s in ANSWER]
    index = 0
    if count is None:
        plan = [*steps, *answers]
    else:
        words_in_answer = sum(len(s.split()) for _, s in answers)
        plan = []
        while sum(len(s.split()) for _, s in plan) + words_in_answer < count:
            plan.append(steps[len(plan) % len(steps)])
        plan += answers
    for step, (phase, sentence) in enumerate(plan):
        words = sentence.split()
        for place, word in enumerate(words):
            if count is not None and index == count:
                return tokens
            text = word if word == "." or place == 0 else " " + word
            if place == len(words) - 1:
                text += "\n"
            tokens.append(Token(index, hash_of(word), text, -0.05 * (1 + index % 7), phase, step))
            index += 1
    return tokens


def hash_of(word: str) -> int:
    """A stable made-up vocabulary id."""
    return sum(ord(c) * (i + 1) for i, c in enumerate(word)) % 1000


def fake_effects(tokens: int, regions: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Effects float32 [tokens, regions] and reliance float32 [tokens]: sparse, mostly positive, in nats."""
    random = np.random.default_rng(seed)
    effects = random.normal(0, 0.08, (tokens, regions))
    rows = np.arange(0, tokens, 3)
    effects[rows, (rows // 6) % regions] += random.uniform(1.0, 5.0, len(rows))
    effects[rows[::4], (rows[::4] // 5 + 3) % regions] -= random.uniform(0.5, 2.0, len(rows[::4]))
    return effects.astype(np.float32), effects.sum(1).astype(np.float32)


def fake_events(
    count: int | None = None,
    screenshot: Screenshot | None = None,
    region_map: RegionMap | None = None,
    seed: int = 0,
    chunk: int = 8,
) -> Iterator[Event]:
    """The events of a made-up run; effects follow the tokens in chunks, as in a real run."""
    screenshot = screenshot or fake_screenshot()
    region_map = region_map or grid_regions(screenshot.width, screenshot.height)
    tokens = fake_tokens(count)
    effects, reliance = fake_effects(len(tokens), len(region_map), seed)
    who = Identity("made up for a test")
    sampling = Sampling(max_new_tokens=max(512, len(tokens)))
    yield Started(1, Trace(screenshot, region_map, "What is the difference?", who, who, who, sampling))
    for start in range(0, len(tokens), chunk):
        end = min(start + chunk, len(tokens))
        for token in tokens[start:end]:
            yield TokenDecoded(1, token)
        yield EffectsEstimated(1, start, effects[start:end], reliance[start:end])
    yield Finished(1, "done", 20.0)


def fake_trace(
    count: int | None = None,
    screenshot: Screenshot | None = None,
    region_map: RegionMap | None = None,
    seed: int = 0,
) -> Trace:
    """A finished made-up trace."""
    events = fake_events(count, screenshot, region_map, seed)
    started = next(events)
    assert isinstance(started, Started)
    for event in events:
        fold(started.trace, event)
    return started.trace

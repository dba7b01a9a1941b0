"""A trace: one run of a thinking model over one screenshot, in memory.

Everything a person sees, live or later, is a view of a trace. The file form is ``core/store.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from core import intervals
from core.earlier import KEPT, Earlier, EarlierSteps, EarlierTokens, no_steps, no_tokens, over_span
from core.habit import Habit
from core.quantity import ESTIMATED, UNCALIBRATED, Quantity
from core.regions import RegionMap
from core.screenshot import Screenshot

Phase = Literal["thinking", "answer"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which model, segmenter or estimator took part: a name for people, a content hash for machines."""

    name: str
    sha256: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def calibrated(self) -> bool:
        """Whether an estimator's numbers are effects in nats, rather than bare attention."""
        return self.details.get("calibrated") is not False


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    max_new_tokens: int = 512


@dataclass(frozen=True, slots=True)
class Token:
    """A generated token.

    Attributes:
        index: place in the generated sequence, from 0.
        id: vocabulary id.
        text: what it adds to the text (incremental decoding; may be empty inside a multi-byte character).
        log_prob: natural logarithm of its probability when it was drawn, in nats.
        phase: "thinking" or "answer".
        step: index of the step it belongs to.
    """

    index: int
    id: int
    text: str
    log_prob: float
    phase: Phase
    step: int


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence, list item or code line: tokens ``start`` to ``end`` (exclusive)."""

    index: int
    start: int
    end: int
    phase: Phase
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """Measured effects of one span of tokens, from ablation runs.

    Attributes:
        start, end: token range (end exclusive).
        operator: how regions were removed, for example "pixels".
        effects: float32 [regions], nats; single-region drops.
        reliance: nats; the drop when the whole screenshot is ablated.
        masks: bool [masks, regions], True where kept; random masks, may be empty.
        mask_log_probs: float32 [masks], nats; the span's summed log-probability under each mask.
        base_log_prob: nats; the span's summed log-probability with everything kept.
    """

    start: int
    end: int
    operator: str
    effects: np.ndarray
    reliance: float
    base_log_prob: float
    masks: np.ndarray
    mask_log_probs: np.ndarray


class Trace:
    """What one run left, growing while it runs.

    Attributes:
        screenshot, region_map, prompt, model, segmenter, estimator, sampling: what went in.
        tokens: the generated tokens, in order.
        measured: measurements made afterwards.
        notes: the user's own text.
        status: "running", "finished", "stopped" or "failed".
        details: anything else worth keeping (device, tokens a second, image size given to the model).
    """

    def __init__(
        self,
        screenshot: Screenshot,
        region_map: RegionMap,
        prompt: str,
        model: Identity,
        segmenter: Identity,
        estimator: Identity,
        sampling: Sampling,
    ) -> None:
        self.screenshot = screenshot
        self.region_map = region_map
        self.prompt = prompt
        self.model = model
        self.segmenter = segmenter
        self.estimator = estimator
        self.sampling = sampling
        self.tokens: list[Token] = []
        self.measured: list[Measurement] = []
        self.notes = ""
        self.status = "running"
        self.details: dict[str, Any] = {}
        self._step_starts: list[int] = []
        self._starts_known = np.zeros(0, np.int64)
        self._effects = np.zeros((256, len(region_map)), np.float32)
        self._reliance = np.zeros(256, np.float32)
        self._estimated = 0
        self._earlier_steps = no_steps(0)
        self._earlier_tokens = no_tokens(0)
        self._attending = 0
        self._habit = Habit()
        self._excess = np.zeros((0, KEPT), np.float32)
        self._bounds: intervals.Bounds | None = None
        self._bounded = 0

    def __len__(self) -> int:
        return len(self.tokens)

    def add_token(self, token: Token) -> None:
        """Append a token; tokens arrive in order."""
        if token.index != len(self.tokens):
            raise ValueError(f"token {token.index} arrived when {len(self.tokens)} was expected")
        if token.step == len(self._step_starts):
            self._step_starts.append(token.index)
        self.tokens.append(token)
        self._make_room(len(self.tokens))

    def set_effects(self, start: int, effects: np.ndarray, reliance: np.ndarray) -> None:
        """Store estimated effects [n, regions] and reliance [n], in nats, of tokens from ``start`` on."""
        end = start + len(effects)
        self._make_room(end)
        self._effects[start:end] = effects
        self._reliance[start:end] = reliance
        self._estimated = max(self._estimated, end)

    def _make_room(self, tokens: int) -> None:
        """Let effects and reliance of so many tokens be stored; of tokens without estimates they are 0."""
        while tokens > len(self._effects):
            self._effects = np.concatenate([self._effects, np.zeros_like(self._effects)])
            self._reliance = np.concatenate([self._reliance, np.zeros_like(self._reliance)])

    def set_earlier(self, start: int, earlier: Earlier) -> None:
        """Store what the tokens from ``start`` on attend to: earlier tokens, or steps of an older file."""
        end = start + len(earlier)
        if isinstance(earlier, EarlierSteps):
            known = self._earlier_steps
            if end > len(known):
                more = no_steps(max(end - len(known), len(known), 256))
                self._earlier_steps = known = EarlierSteps(
                    np.concatenate([known.steps, more.steps]), np.concatenate([known.shares, more.shares])
                )
            known.steps[start:end], known.shares[start:end] = earlier.steps, earlier.shares
            return
        kept = self._earlier_tokens
        if end > len(kept):
            new = no_tokens(max(end - len(kept), len(kept), 256))
            self._earlier_tokens = kept = EarlierTokens(
                np.concatenate([kept.tokens, new.tokens]),
                np.concatenate([kept.shares, new.shares]),
                np.concatenate([kept.rest, new.rest]),
            )
        kept.tokens[start:end], kept.shares[start:end] = earlier.tokens, earlier.shares
        kept.rest[start:end] = earlier.rest
        self._attending = max(self._attending, end)
        if start < len(self._habit):
            self._habit = Habit()

    def set_bounds(self, start: int, bounds: intervals.Bounds) -> None:
        """Store intervals of the effects, [n, regions] each in nats, of tokens from ``start`` on.

        Tokens arrive in order; of a token before ``start`` that has none, nothing is known.
        """
        end = start + len(bounds[0])
        size = max(256, len(self._effects))
        while size < end:
            size *= 2
        if self._bounds is None or size > len(self._bounds[0]):
            grown = np.full((2, size, len(self.region_map)), np.nan, np.float32)
            if self._bounds is not None:
                grown[:, : len(self._bounds[0])] = self._bounds
            self._bounds = grown[0], grown[1]
        for kept, values in zip(self._bounds, bounds, strict=True):
            kept[start:end] = values
        self._bounded = max(self._bounded, end)

    @property
    def bounds(self) -> intervals.Bounds | None:
        """Lower and upper bounds of the effects, float32 [known tokens, regions] each, nats.

        NaN for a token without; None for a trace whose estimator gave none. Read only.
        """
        if self._bounds is None:
            return None
        end = min(self._bounded, self._estimated)
        return self._bounds[0][:end], self._bounds[1][:end]

    def span_bounds(self, start: int, end: int) -> intervals.Bounds | None:
        """The interval of ``span_effects``, [regions] each, nats; None where a token of the span has none."""
        known = self.bounds
        end = min(end, len(self.tokens))
        if known is None or not start < end <= len(known[0]) or np.isnan(known[0][start:end]).any():
            return None
        factor = intervals.span_factor(self.estimator.details)
        return intervals.over_span(self._effects[start:end], known[0][start:end], known[1][start:end], factor)

    @property
    def earlier(self) -> Earlier:
        """What each token attends to, of as many tokens as that is known of. Read only."""
        if self._attending or not len(self._earlier_steps):
            return self.earlier_tokens
        return self._earlier_steps.part(0, min(len(self._earlier_steps), self._estimated))

    @property
    def earlier_tokens(self) -> EarlierTokens:
        """Which earlier tokens each token attends to; none of a file older than format 3. Read only."""
        return self._earlier_tokens.part(0, min(self._attending, self._estimated))

    @property
    def excess(self) -> np.ndarray:
        """Attention to ``earlier_tokens`` beyond what those usually get, float32 [known, KEPT]. Read only."""
        known, done = self.earlier_tokens, len(self._habit)
        if len(known) > done:
            grown = np.zeros((len(self._earlier_tokens), KEPT), np.float32)
            grown[:done] = self._excess[:done]
            grown[done : len(known)] = self._habit.beyond(known.part(done, len(known)))
            self._excess = grown
        return self._excess[: len(known)]

    def span_earlier(self, start: int, end: int) -> list[tuple[int, float]]:
        """Earlier steps that a token span attends to: (step, mean share of attention), strongest first.

        Where earlier tokens are known, the share is what theirs exceed the usual by.
        """
        if start >= len(self.tokens):
            return []
        before, known = self.tokens[start].step, self.earlier
        if isinstance(known, EarlierSteps):
            return over_span(known.shares[start:end], known.steps[start:end], before)
        tokens = known.tokens[start:end]
        steps = np.searchsorted(self.step_starts, tokens, side="right") - 1  # −1 stays −1
        return over_span(self.excess[start:end], steps, before)

    @property
    def quantity(self) -> Quantity:
        """What the numbers are: an estimator's effects, or attention that was never calibrated."""
        return ESTIMATED if self.estimator.calibrated else UNCALIBRATED

    @property
    def estimated(self) -> int:
        """How many tokens, from the first, have estimated effects."""
        return self._estimated

    @property
    def effects(self) -> np.ndarray:
        """Estimated effects, float32 [tokens, regions], nats. Rows not yet estimated are 0. Read only."""
        return self._effects[: len(self.tokens)]

    @property
    def reliance(self) -> np.ndarray:
        """Estimated reliance, float32 [tokens], nats. Read only."""
        return self._reliance[: len(self.tokens)]

    @property
    def steps(self) -> list[Step]:
        """All steps, the last one possibly still growing."""
        return [self.step(i) for i in range(len(self._step_starts))]

    @property
    def step_count(self) -> int:
        return len(self._step_starts)

    @property
    def step_starts(self) -> np.ndarray:
        """The first token of each step, int64 [steps]. Read only."""
        if len(self._starts_known) != len(self._step_starts):
            self._starts_known = np.array(self._step_starts, np.int64)
        return self._starts_known

    def step(self, index: int) -> Step:
        """One step by index."""
        start = self._step_starts[index]
        last = index + 1 == len(self._step_starts)
        end = len(self.tokens) if last else self._step_starts[index + 1]
        text = "".join(t.text for t in self.tokens[start:end])
        return Step(index, start, end, self.tokens[start].phase, text)

    def span_effects(self, start: int, end: int) -> np.ndarray:
        """Estimated effects of a token span, float32 [regions], nats: the sum, as log-probabilities add."""
        return self._effects[start : min(end, len(self.tokens))].sum(0)

    def text(self, phase: Phase) -> str:
        """The whole text of one phase."""
        return "".join(t.text for t in self.tokens if t.phase == phase)

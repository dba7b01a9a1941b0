"""What the science needs from a thinking model, and nothing about how the model does it.

``models/thinker.py`` provides it for transformers checkpoints; a test can provide it with a few lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.coverage import Cells
from core.trace import Identity, Sampling

if TYPE_CHECKING:
    from core.features import Features
    from core.probe import Probe

ShouldStop = Callable[[], bool]
Progress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class Markers:
    """What delimits the phases: token ids, or letters where a tokenizer has no single token for a marker.

    Attributes:
        open: id that begins the thinking, or None.
        close: id that ends the thinking, or None.
        opened: the prompt itself already opened the thinking.
        silent: ids that never show as text (the two above and the model's end-of-turn tokens).
        label: what the model writes right after the opening marker that is not thinking.
        spelled_open, spelled_close: the markers in letters; empty where there is an id.
        spelled_silent: further markers in letters that are not part of an answer.
    """

    open: int | None
    close: int | None
    opened: bool
    silent: frozenset[int]
    label: str = ""
    spelled_open: str = ""
    spelled_close: str = ""
    spelled_silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A prompt as the model sees it.

    Attributes:
        prompt: the question, as the user wrote it.
        prompt_length: tokens of the whole prompt, image and chat template included.
        image_tokens: int64 [cells]; where in the prompt each visual token stands, in the order of ``cells``.
        cells: the rectangle of the screenshot that each visual token stands for.
        image_size: (width, height) in pixels that the model was given after its own resize.
        room: how many tokens may still follow the prompt in the model's context.
        inputs: whatever the model needs to run; opaque here.
    """

    prompt: str
    prompt_length: int
    image_tokens: np.ndarray
    cells: Cells
    image_size: tuple[int, int]
    room: int
    inputs: Any


@dataclass(frozen=True, slots=True)
class Drawn:
    """One token as it was drawn.

    Attributes:
        id: vocabulary id.
        text: what it adds to the text.
        log_prob: nats; under the model's own distribution, before temperature, top-k and top-p.
    """

    id: int
    text: str
    log_prob: float


class ThinkingModel(Protocol):
    """A thinking vision-language model, loaded and ready."""

    identity: Identity
    markers: Markers
    device_name: str

    def prepare(self, pixels: np.ndarray, prompt: str) -> Prepared:
        """Turn a screenshot, uint8 [H, W, 3], and a question into the model's input."""
        ...

    def probe(
        self, prepared: Prepared, coverage: np.ndarray, *, influence: np.ndarray | None = None
    ) -> Probe:
        """A probe for one run; ``coverage`` and ``influence`` are float32 [cells, regions].

        Without an influence, a region counts as changing what it covers.
        """
        ...

    def decode(
        self,
        prepared: Prepared,
        sampling: Sampling,
        probe: Probe | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Iterator[Drawn]:
        """Generate tokens one at a time; ends after an end-of-turn token, which is not yielded."""
        ...

    def teach(
        self,
        prepared: Prepared,
        token_ids: Sequence[int],
        coverage: np.ndarray,
        *,
        influence: np.ndarray | None = None,
    ) -> Features:
        """Features of a given continuation from one forward pass, equal to those of live decoding."""
        ...

    def score(self, prepared: Prepared, images: np.ndarray, token_ids: Sequence[int]) -> np.ndarray:
        """Log-probability of each given token with other images in place of the screenshot.

        ``images`` is uint8 [B, H, W, 3], of the screenshot's size; the answer is float32 [B, tokens], nats.
        """
        ...

    def encode(self, prepared: Prepared, pixels: np.ndarray) -> Any:
        """The visual tokens of an image of the screenshot's size, uint8 [H, W, 3]; opaque here."""
        ...

    def embeddings(self, prepared: Prepared, pixels: np.ndarray) -> np.ndarray:
        """The same, as they enter the decoder: float32 [cells, hidden]."""
        ...

    def score_replaced(
        self, prepared: Prepared, visual: Any, other: Any, replaced: np.ndarray, token_ids: Sequence[int]
    ) -> np.ndarray:
        """As ``score``, with some of the ``visual`` tokens replaced by those of ``other``.

        ``replaced`` is bool [B, cells]; the answer is float32 [B, tokens], nats.
        """
        ...

    def score_hidden(
        self, prepared: Prepared, visual: Any, hidden: np.ndarray, token_ids: Sequence[int]
    ) -> np.ndarray:
        """As ``score``, with some of the ``visual`` tokens hidden from attention; the others stay in place.

        ``hidden`` is bool [B, cells]; the answer is float32 [B, tokens], nats.
        """
        ...

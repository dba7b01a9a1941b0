"""A thinking vision-language model from transformers: prepare, decode, score.

Positions are always explicit, because transformers otherwise keeps them as state on the model. Importing this
module imports torch and transformers; import it lazily.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from core.errors import InputError
from core.features import Features, join
from core.log_probs import log_softmax
from core.probe import ATTENTION_NAME, Observer, Probe, listen_to, register
from core.rollout import Rollout
from core.thinking import Drawn, Prepared, Progress, ShouldStop
from core.threads import at_most
from core.trace import Sampling
from models.checkpoint import Checkpoint, Loading, load_checkpoint
from models.decoder import describe_decoder
from models.gradients import input_gradients
from models.markers import find_markers
from models.prompting import prepare
from models.sampling import draw
from models.scoring import score, score_hidden, score_replaced
from models.text_stream import TextStream

_TEACH_ROWS = 64
_SMALL_MODEL = 50_000_000


def load_thinker(
    name_or_path: str = "bundled",
    device: str = "auto",
    dtype: str = "auto",
    progress: Progress | None = None,
    loading: Loading | None = None,
) -> Thinker:
    """Load a thinking model and attach the probe to it; ``loading`` says all that device and dtype say, and
    more.

    Errors as in ``load_checkpoint``.
    """
    return Thinker(load_checkpoint(name_or_path, loading or Loading(device, dtype), progress))


@dataclass(frozen=True, slots=True, eq=False)
class VisualTokens:
    """What the vision tower makes of one image, for the text decoder.

    Attributes:
        embeddings: [cells, hidden]; what stands in the places of the image tokens.
        deeper: the same for what enters later layers (DeepStack); most models have none.
        joined: whether the model wants the embeddings as one tensor rather than a list of images.
    """

    embeddings: Tensor
    deeper: tuple[Tensor, ...]
    joined: bool


class Thinker:
    """One loaded model. Runs do not disturb each other: nothing of a run stays on the model.

    Attributes:
        identity, markers, device_name: as in ``core.thinking.ThinkingModel``.
        sampling: what the checkpoint recommends.
        stops: ids that end a turn.
        layers, heads: how many layers have readable attention, and heads in each.
        readable_share: share of the decoder's layers whose attention can be read.
        model, processor: transformers' own objects.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.model = checkpoint.model
        self.processor = checkpoint.processor
        self.family = checkpoint.family
        self.identity = checkpoint.identity
        self.sampling = _recommended(self.model.generation_config, checkpoint.family.sampling)
        self.device = checkpoint.device
        self.device_name = _device_name(self.device)
        self.tokenizer = self.processor.tokenizer
        self.markers, self.stops = find_markers(self.model, self.processor, self.family)
        register()
        self.model.set_attn_implementation({"text_config": ATTENTION_NAME})
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self._threads = 1 if self.device.type == "cpu" and parameters < _SMALL_MODEL else None
        self._decoder = describe_decoder(self.model, checkpoint.family, self._threads)
        text_config = self.model.config.text_config
        self.layers, self.heads = len(self._decoder.layers), int(text_config.num_attention_heads)
        self.readable_share = self.layers / int(text_config.num_hidden_layers)
        listen_to(self._decoder)

    def prepare(self, pixels: np.ndarray, prompt: str) -> Prepared:
        """Turn a screenshot, uint8 [H, W, 3], and a question into the model's input.

        Raises:
            InputError: the prompt is empty or too long, or the image too narrow for the model.
        """
        return prepare(self.model, self.processor, self.family, self.device, pixels, prompt)

    def probe(
        self,
        prepared: Prepared,
        coverage: np.ndarray,
        observer: Observer | None = None,
        *,
        influence: np.ndarray | None = None,
    ) -> Probe:
        """A probe for one run; ``coverage`` and ``influence`` are float32 [cells, regions]."""
        return Probe(
            self._decoder, coverage, prepared.image_tokens, prepared.prompt_length, observer, influence
        )

    def decode(
        self,
        prepared: Prepared,
        sampling: Sampling,
        probe: Probe | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Iterator[Drawn]:
        """Generate tokens one at a time, at most ``sampling.max_new_tokens`` and ``prepared.room``.

        Ends after an end-of-turn token, which is not yielded, or when ``should_stop`` says so. The
        log-probabilities are those of the model's own distribution, before temperature, top-k and top-p.
        """
        generator = torch.Generator(self.device).manual_seed(sampling.seed)
        stream = TextStream(self.tokenizer.backend_tokenizer)
        cache = DynamicCache(config=self.model.config.text_config)
        limit = min(sampling.max_new_tokens, prepared.room)
        positions = self.following_positions(prepared, limit)
        prompt = {key: value for key, value in prepared.inputs.items() if key != "following"}
        with probe or contextlib.nullcontext():
            logits = self.forward(cache, **prompt).logits
        for index in range(limit):
            with torch.inference_mode():
                log_probs = log_softmax(logits[:, -1].float())
                token = draw(log_probs[0], sampling, generator)
                log_prob = float(log_probs[0, token])
            if token in self.stops:
                return
            if probe is not None:
                probe.drawn((token,), log_probs)
            text = "" if token in self.markers.silent else stream.step(token)
            yield Drawn(token, text, log_prob)
            if index + 1 == limit or (should_stop is not None and should_stop()):
                return
            following = torch.tensor([[token]], device=self.device)
            with probe or contextlib.nullcontext():
                logits = self.forward(
                    cache, input_ids=following, position_ids=positions[..., index : index + 1]
                ).logits

    def texts(self, token_ids: Sequence[int]) -> list[str]:
        """What each token of a given continuation adds to the text, as ``decode`` would have told it."""
        stream = TextStream(self.tokenizer.backend_tokenizer)
        return ["" if token in self.markers.silent else stream.step(token) for token in token_ids]

    def teach(
        self,
        prepared: Prepared,
        token_ids: Sequence[int],
        coverage: np.ndarray,
        observer: Observer | None = None,
        *,
        influence: np.ndarray | None = None,
    ) -> Features:
        """Features of a given continuation from one forward pass, equal to those of live decoding.

        Raises:
            ValueError: no tokens given.
        """
        probe = self.probe(prepared, coverage, observer, influence=influence).expect(len(token_ids))
        image = {key: prepared.inputs[key] for key in self.family.image_inputs}
        hidden = self.continued(prepared, token_ids, 1, image, probe)
        parts = []
        for start in range(0, len(token_ids), _TEACH_ROWS):
            with torch.inference_mode():
                log_probs = log_softmax(self.logits(hidden[0, start : start + _TEACH_ROWS]))
            probe.drawn(token_ids[start : start + _TEACH_ROWS], log_probs)
            if (part := probe.flush()) is not None:
                parts.append(part)
        return join(parts)

    def score(self, prepared: Prepared, images: np.ndarray, token_ids: Sequence[int]) -> np.ndarray:
        """Log-probabilities with other images in place of the screenshot; see ``models.scoring``."""
        return score(self, prepared, images, token_ids)

    def encode(self, prepared: Prepared, pixels: np.ndarray) -> VisualTokens:
        """The visual tokens of an image, uint8 [H, W, 3], of the size of the screenshot in ``prepared``."""
        return self.encode_inputs(prepared, self.image_inputs(pixels[None]))

    def embeddings(self, prepared: Prepared, pixels: np.ndarray) -> np.ndarray:
        """The visual tokens of such an image as they enter the decoder: float32 [cells, hidden]."""
        found: np.ndarray = self.encode(prepared, pixels).embeddings.float().cpu().numpy()
        return found

    def encode_inputs(self, prepared: Prepared, inputs: Mapping[str, Any]) -> VisualTokens:
        """The visual tokens of one image given as the model's inputs, such as those in ``prepared``."""
        with torch.inference_mode():
            output = self.model.model.get_image_features(
                **{key: inputs[key] for key in self.family.image_inputs}
            )
        joined = isinstance(output.pooler_output, Tensor)
        embeddings = output.pooler_output if joined else torch.cat(tuple(output.pooler_output))
        deeper = tuple(torch.cat(tuple(level)) for level in getattr(output, "deepstack_features", None) or ())
        return VisualTokens(embeddings.reshape(len(prepared.cells), -1), deeper, joined)

    def score_replaced(
        self,
        prepared: Prepared,
        visual: VisualTokens,
        other: VisualTokens,
        replaced: np.ndarray,
        token_ids: Sequence[int],
    ) -> np.ndarray:
        """Log-probabilities with some visual tokens replaced; see ``models.scoring``."""
        return score_replaced(self, prepared, visual, other, replaced, token_ids)

    def score_hidden(
        self, prepared: Prepared, visual: VisualTokens, hidden: np.ndarray, token_ids: Sequence[int]
    ) -> np.ndarray:
        """Log-probabilities with some visual tokens hidden; see ``models.scoring``."""
        return score_hidden(self, prepared, visual, hidden, token_ids)

    def input_gradients(
        self,
        prepared: Prepared,
        token_ids: Sequence[int],
        baseline: np.ndarray | None = None,
        points: int = 1,
    ) -> np.ndarray:
        """Gradient times visual tokens: float32 [T, cells], nats; see ``models.gradients``."""
        return input_gradients(self, prepared, token_ids, baseline, points)

    def rollout(self, prepared: Prepared, token_ids: Sequence[int]) -> np.ndarray:
        """Attention rollout from the row that produced each token: float32 [T, cells]."""
        positions = prepared.prompt_length + len(token_ids) - 1
        places = torch.as_tensor(prepared.image_tokens, device=self.device)
        rollout = Rollout(self._decoder.layers, places, positions)
        image = {key: prepared.inputs[key] for key in self.family.image_inputs}
        self.continued(prepared, token_ids, 1, image, rollout)
        return rollout.reached[prepared.prompt_length - 1 :].cpu().numpy()

    def image_inputs(self, images: np.ndarray) -> dict[str, Tensor]:
        """The model's inputs for images, uint8 [B, H, W, 3]."""
        batch = self.processor.image_processor(
            images=list(torch.from_numpy(np.require(images, requirements=["C", "W"])).permute(0, 3, 1, 2)),
            return_tensors="pt",
            **self.family.image_arguments(self.processor),
        )
        return {key: batch[key].to(self.device) for key in self.family.image_inputs}

    def logits(self, rows: Tensor) -> Tensor:
        """float32 [n, vocabulary] from the decoder's output [n, hidden], as the model itself makes them."""
        logits: Tensor = self.model.lm_head(rows)
        if (bound := self._decoder.softcap) is not None:
            logits = torch.tanh(logits / bound) * bound
        return logits.float()

    @torch.inference_mode()
    def continued(
        self,
        prepared: Prepared,
        token_ids: Sequence[int],
        count: int,
        inputs: Mapping[str, Any],
        probe: Probe | Rollout | None = None,
    ) -> Tensor:
        """As ``continuation``, with nothing kept for gradients."""
        with probe or contextlib.nullcontext():
            return self.continuation(prepared, token_ids, count, inputs)

    def continuation(
        self, prepared: Prepared, token_ids: Sequence[int], count: int, inputs: Mapping[str, Any]
    ) -> Tensor:
        """The decoder's output [count, T, hidden] at the positions that produce each given token.

        ``inputs`` describe ``count`` images, as pixels or as visual tokens.

        Raises:
            InputError: the tokens hold one that stands for an image, which no image belongs to.
        """
        if not token_ids:
            raise ValueError("no tokens to continue with")
        if self.model.config.image_token_id in token_ids[:-1]:
            raise InputError(
                "The model wrote the token that stands for an image into its text, so the text cannot be "
                "scored. Run again with another seed."
            )
        given = torch.tensor([list(token_ids[:-1])], dtype=torch.long, device=self.device)
        positions = torch.cat(
            (prepared.inputs["position_ids"], self.following_positions(prepared, len(token_ids) - 1)), -1
        )
        along = {
            key: torch.cat((prepared.inputs[key], torch.zeros_like(given)), 1).expand(count, -1)
            for key in self.family.token_inputs
        }
        output = self.model.model(
            input_ids=torch.cat((prepared.inputs["input_ids"], given), 1).expand(count, -1),
            position_ids=positions.expand(*positions.shape[:-2], count, -1),
            use_cache=False,
            **along,
            **inputs,
        )
        return output.last_hidden_state[:, prepared.prompt_length - 1 :]

    @torch.inference_mode()
    def forward(self, cache: DynamicCache, **inputs: Any) -> Any:
        """transformers' own output for more tokens, logits for the last position only; extends the cache."""
        with at_most(self._threads if inputs["input_ids"].shape[1] == 1 else None):
            return self.model(past_key_values=cache, use_cache=True, logits_to_keep=1, **inputs)

    def following_positions(self, prepared: Prepared, count: int, first: int = 0) -> Tensor:
        """Positions [..., 1, count] of generated tokens from ``first`` on."""
        after: Tensor = prepared.inputs["following"]
        return after + torch.arange(first, first + count, device=self.device)


def _recommended(configuration: Any, otherwise: Sampling) -> Sampling:
    """How the checkpoint's ``generation_config.json`` wants tokens drawn; greedy if it does not sample."""
    if not getattr(configuration, "do_sample", None):
        return Sampling(max_new_tokens=otherwise.max_new_tokens)
    given = {
        name: value
        for name in ("temperature", "top_p", "top_k")
        if (value := getattr(configuration, name, None)) is not None
    }
    return dataclasses.replace(otherwise, **given)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()

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
from PIL import Image
from tokenizers.decoders import DecodeStream
from torch import Tensor
from transformers import DynamicCache

from core.errors import InputError
from core.features import Features, join
from core.probe import ATTENTION_NAME, Decoder, Layer, Observer, Probe, listen_to, register
from core.rollout import Rollout
from core.thinking import Drawn, Markers, Prepared, Progress, ShouldStop
from core.threads import at_most
from core.trace import Sampling
from models.checkpoint import Checkpoint, Loading, load_checkpoint
from models.families.family import FULL, SLIDING, Family
from models.gradients import as_inputs, input_gradients
from models.sampling import draw

_TEACH_ROWS = 64
_SMALL_MODEL = 50_000_000
_LOGITS_AT_ONCE = 2**24


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
        self.markers, self.stops = self._find_markers()
        register()
        self.model.set_attn_implementation({"text_config": ATTENTION_NAME})
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self._threads = 1 if self.device.type == "cpu" and parameters < _SMALL_MODEL else None
        self._decoder = _describe_decoder(self.model, checkpoint.family, self._threads)
        text_config = self.model.config.text_config
        self.layers, self.heads = len(self._decoder.layers), int(text_config.num_attention_heads)
        self.readable_share = self.layers / int(text_config.num_hidden_layers)
        listen_to(self._decoder)

    def prepare(self, pixels: np.ndarray, prompt: str) -> Prepared:
        """Turn a screenshot, uint8 [H, W, 3], and a question into the model's input.

        Raises:
            InputError: the prompt is empty or too long, or the image too narrow for the model.
        """
        if not prompt.strip():
            raise InputError("The prompt is empty. Type a question about the screenshot.")
        height, width = pixels.shape[:2]
        image_token = self.tokenizer.convert_ids_to_tokens(self.model.config.image_token_id)
        if image_token in prompt:
            raise InputError(f"The prompt holds {image_token}, which stands for the screenshot. Take it out.")
        content: list[dict[str, Any]] = [
            {"type": "image", "image": Image.fromarray(pixels)},
            {"type": "text", "text": prompt},
        ]
        try:
            batch = self._template(content)
        except ValueError as error:
            raise InputError(
                f"The model cannot take this screenshot ({width} × {height}): {error}"
            ) from error
        ids = batch["input_ids"]
        places = (ids[0] == self.model.config.image_token_id).nonzero()[:, 0]
        cells, size = self.family.layout(batch, self.processor, width, height)
        if len(places) != len(cells):
            raise RuntimeError(f"{len(places)} visual tokens for {len(cells)} cells")
        positions, following = self.family.positions(self.model, batch)
        room = int(self.model.config.text_config.max_position_embeddings) - ids.shape[1]
        if room < 1:
            raise InputError(
                f"The screenshot ({len(places):,} visual tokens) and the question are longer than the "
                "model's context. Take a smaller image budget, or shorten the question."
            )
        wanted = ("input_ids", *self.family.token_inputs, *self.family.image_inputs)
        inputs = {key: batch[key].to(self.device) for key in wanted}
        inputs |= {"position_ids": positions.to(self.device), "following": following.to(self.device)}
        return Prepared(
            prompt=prompt,
            prompt_length=int(ids.shape[1]),
            image_tokens=places.numpy(),
            cells=cells,
            image_size=size,
            room=room,
            inputs=inputs,
        )

    def probe(self, prepared: Prepared, coverage: np.ndarray, observer: Observer | None = None) -> Probe:
        """A probe for one run; ``coverage`` is float32 [cells, regions]."""
        return Probe(self._decoder, coverage, prepared.image_tokens, prepared.prompt_length, observer)

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
        stream = DecodeStream(skip_special_tokens=True)
        backend = self.tokenizer.backend_tokenizer
        cache = DynamicCache(config=self.model.config.text_config)
        limit = min(sampling.max_new_tokens, prepared.room)
        positions = self.following_positions(prepared, limit)
        prompt = {key: value for key, value in prepared.inputs.items() if key != "following"}
        with probe or contextlib.nullcontext():
            logits = self.forward(cache, **prompt).logits
        for index in range(limit):
            with torch.inference_mode():
                log_probs = torch.log_softmax(logits[:, -1].float(), -1)
                token = draw(log_probs[0], sampling, generator)
                log_prob = float(log_probs[0, token])
            if token in self.stops:
                return
            if probe is not None:
                probe.drawn((token,), log_probs)
            text = None if token in self.markers.silent else stream.step(backend, token)
            yield Drawn(token, text or "", log_prob)
            if index + 1 == limit or (should_stop is not None and should_stop()):
                return
            following = torch.tensor([[token]], device=self.device)
            with probe or contextlib.nullcontext():
                logits = self.forward(
                    cache, input_ids=following, position_ids=positions[..., index : index + 1]
                ).logits

    def texts(self, token_ids: Sequence[int]) -> list[str]:
        """What each token of a given continuation adds to the text, as ``decode`` would have told it."""
        stream, backend = DecodeStream(skip_special_tokens=True), self.tokenizer.backend_tokenizer
        return [("" if i in self.markers.silent else stream.step(backend, i) or "") for i in token_ids]

    def teach(
        self,
        prepared: Prepared,
        token_ids: Sequence[int],
        coverage: np.ndarray,
        observer: Observer | None = None,
    ) -> Features:
        """Features of a given continuation from one forward pass, equal to those of live decoding.

        Raises:
            ValueError: no tokens given.
        """
        probe = self.probe(prepared, coverage, observer).expect(len(token_ids))
        image = {key: prepared.inputs[key] for key in self.family.image_inputs}
        hidden = self._continue(prepared, token_ids, 1, image, probe)
        parts = []
        for start in range(0, len(token_ids), _TEACH_ROWS):
            with torch.inference_mode():
                log_probs = torch.log_softmax(self.logits(hidden[0, start : start + _TEACH_ROWS]), -1)
            probe.drawn(token_ids[start : start + _TEACH_ROWS], log_probs)
            if (part := probe.flush()) is not None:
                parts.append(part)
        return join(parts)

    def score(self, prepared: Prepared, images: np.ndarray, token_ids: Sequence[int]) -> np.ndarray:
        """Log-probability of each given token with other images in place of the screenshot.

        Args:
            prepared: the prompt with its own screenshot.
            images: uint8 [B, H, W, 3], of the size of that screenshot; all in one forward pass.
            token_ids: the continuation, T tokens.

        Returns:
            float32 [B, T], nats.
        """
        hidden = self._continue(prepared, token_ids, len(images), self._image_inputs(images))
        return self._log_probs(hidden, token_ids).cpu().numpy()

    def encode(self, prepared: Prepared, pixels: np.ndarray) -> VisualTokens:
        """The visual tokens of an image, uint8 [H, W, 3], of the size of the screenshot in ``prepared``."""
        return self.encode_inputs(prepared, self._image_inputs(pixels[None]))

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
        """As ``score``, with some visual tokens replaced by those of another image, at every depth.

        Args:
            prepared: the prompt.
            visual, other: from ``encode``; of the screenshot, and where to take replacements from.
            replaced: bool [B, cells].
            token_ids: the continuation, T tokens.

        Returns:
            float32 [B, T], nats.
        """
        where = torch.as_tensor(replaced, device=self.device)[:, :, None]

        def mixed(mine: Tensor, others: Tensor) -> Tensor:
            return torch.where(where.to(mine.device), others, mine).flatten(0, 1)

        deeper = [mixed(*pair) for pair in zip(visual.deeper, other.deeper, strict=True)]
        features = as_inputs(mixed(visual.embeddings, other.embeddings), deeper, visual.joined)
        hidden = self._continue(prepared, token_ids, len(replaced), features)
        return self._log_probs(hidden, token_ids).cpu().numpy()

    def score_hidden(
        self, prepared: Prepared, visual: VisualTokens, hidden: np.ndarray, token_ids: Sequence[int]
    ) -> np.ndarray:
        """As ``score``, with some visual tokens hidden from attention; every other token keeps its position.

        Arguments as in ``score_replaced``; ``hidden`` is bool [B, cells].
        """
        count = len(hidden)
        features = as_inputs(
            visual.embeddings.repeat(count, 1),
            [level.repeat(count, 1) for level in visual.deeper],
            visual.joined,
        )
        length = prepared.prompt_length + len(token_ids) - 1
        mask = torch.ones(count, length, dtype=torch.long, device=self.device)
        mask[:, torch.as_tensor(prepared.image_tokens, device=self.device)] -= torch.as_tensor(
            hidden, dtype=torch.long, device=self.device
        )
        output = self._continue(prepared, token_ids, count, features | {"attention_mask": mask})
        return self._log_probs(output, token_ids).cpu().numpy()

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
        self._continue(prepared, token_ids, 1, image, rollout)
        return rollout.reached[prepared.prompt_length - 1 :].cpu().numpy()

    def _image_inputs(self, images: np.ndarray) -> dict[str, Tensor]:
        """The model's inputs for images, uint8 [B, H, W, 3]."""
        batch = self.processor.image_processor(
            images=list(torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)),
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
    def _log_probs(self, hidden: Tensor, token_ids: Sequence[int]) -> Tensor:
        """Log-probability of each token, [B, T], from the decoder's output [B, T, hidden]."""
        count, length = hidden.shape[:2]
        wanted = torch.tensor(token_ids, device=self.device).repeat(count)
        rows = hidden.reshape(count * length, -1)
        step = max(1, _LOGITS_AT_ONCE // self._decoder.head.shape[0])
        parts = []
        for start in range(0, len(rows), step):
            logits = self.logits(rows[start : start + step])
            chosen = logits.gather(1, wanted[start : start + step, None])[:, 0]
            parts.append(chosen - logits.logsumexp(-1))
        return torch.cat(parts).view(count, length)

    @torch.inference_mode()
    def _continue(
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
        """
        if not token_ids:
            raise ValueError("no tokens to continue with")
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

    def _template(self, content: list[dict[str, Any]]) -> Any:
        return self.processor.apply_chat_template(
            self._messages(content),
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=True,
            **self.family.template_arguments,
        )

    def _messages(self, content: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The conversation: what makes the model think, and the user's turn."""
        asked: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if not self.family.system_prompt:
            return asked
        told = {"role": "system", "content": [{"type": "text", "text": self.family.system_prompt}]}
        return [told, *asked]

    def _find_markers(self) -> tuple[Markers, frozenset[int]]:
        """Markers, by token id where the tokenizer has one for them, and the ids that end a turn."""
        family, vocabulary = self.family, self.tokenizer.get_vocab()
        opening, closing = vocabulary.get(family.think_open), vocabulary.get(family.think_close)
        text = self.processor.apply_chat_template(
            self._messages([{"type": "text", "text": "?"}]),
            add_generation_prompt=True,
            tokenize=False,
            **family.template_arguments,
        )
        opened = text.rfind(family.think_open) > text.rfind(family.think_close)
        configured = self.model.generation_config.eos_token_id or self.model.config.text_config.eos_token_id
        stops = {configured} if isinstance(configured, int) else set(configured or ())
        if self.tokenizer.eos_token_id is not None:
            stops.add(self.tokenizer.eos_token_id)
        silent = {vocabulary[text] for text in family.silent if text in vocabulary}
        silent |= stops | {marker for marker in (opening, closing) if marker is not None}
        markers = Markers(
            open=opening,
            close=closing,
            opened=opened,
            silent=frozenset(silent),
            label=family.label,
            spelled_open="" if opening is not None else family.think_open,
            spelled_close="" if closing is not None else family.think_close,
            spelled_silent=tuple(text for text in family.silent if text not in vocabulary),
        )
        return markers, frozenset(stops)


def _describe_decoder(model: Any, family: Family, threads: int | None) -> Decoder:
    """Where the text decoder keeps what the probe reads.

    Raises:
        InputError: its attention cannot be read faithfully.
    """
    decoder, config = model.model.language_model, model.config.text_config
    window: int | None = getattr(config, "sliding_window", None)
    every = SLIDING if window else FULL
    kinds = getattr(config, "layer_types", None) or [every] * int(config.num_hidden_layers)
    scales = [
        float(getattr(layer, family.layer_scale)) if family.layer_scale else 1.0 for layer in decoder.layers
    ]
    layers = []
    for index, (kind, layer) in enumerate(zip(kinds, decoder.layers, strict=True)):
        if kind not in family.readable:
            continue
        attention = layer.self_attn
        if hasattr(attention, "sinks"):
            raise InputError(
                "This model's attention has sinks, which Sightline cannot read. Take another model."
            )
        layers.append(
            Layer(
                index=index,
                scaling=float(attention.scaling),
                output=attention.o_proj.weight,
                window=window if kind == SLIDING else None,
                gated=attention.q_proj if family.gated else None,
                norm=getattr(layer, family.norm_after_attention) if family.norm_after_attention else None,
                gain=float(np.prod(scales[index:])),
            )
        )
    return Decoder(
        layers=tuple(layers),
        norm=decoder.norm,
        head=model.get_output_embeddings().weight,
        softcap=getattr(config, "final_logit_softcapping", None),
        threads=threads,
    )


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

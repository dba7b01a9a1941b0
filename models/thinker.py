"""A thinking vision-language model from transformers: prepare, decode, score.

Positions are always explicit, because transformers otherwise keeps them as state on the model. Importing this
module imports torch and transformers; import it lazily.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers.decoders import DecodeStream
from torch import Tensor
from transformers import DynamicCache

from core.errors import InputError
from core.features import Features, join
from core.probe import ATTENTION_NAME, Decoder, Observer, Probe, listen_to, register
from core.thinking import Drawn, Markers, Prepared, Progress, ShouldStop
from core.threads import at_most
from core.trace import Sampling
from models.checkpoint import Checkpoint, Loading, load_checkpoint
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


class Thinker:
    """One loaded model. Runs do not disturb each other: nothing of a run stays on the model.

    Attributes:
        identity, markers, device_name: as in ``core.thinking.ThinkingModel``.
        sampling: what the checkpoint recommends.
        stops: ids that end a turn.
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
        self._decoder = self._describe_decoder()
        listen_to(self._decoder)

    def prepare(self, pixels: np.ndarray, prompt: str) -> Prepared:
        """Turn a screenshot, uint8 [H, W, 3], and a question into the model's input.

        Raises:
            InputError: the prompt is empty or too long, or the image too narrow for the model.
        """
        if not prompt.strip():
            raise InputError("The prompt is empty. Type a question about the screenshot.")
        height, width = pixels.shape[:2]
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
        cells = self.family.cells(batch, self.processor, width, height)
        if len(places) != len(cells):
            raise RuntimeError(f"{len(places)} visual tokens for {len(cells)} cells")
        positions, following = self.family.positions(self.model, batch)
        room = int(self.model.config.text_config.max_position_embeddings) - ids.shape[1]
        if room < 1:
            raise InputError("The prompt is longer than the model's context. Shorten it.")
        inputs = {key: batch[key].to(self.device) for key in ("input_ids", *self.family.image_inputs)}
        inputs |= {"position_ids": positions.to(self.device), "following": following}
        return Prepared(
            prompt=prompt,
            prompt_length=int(ids.shape[1]),
            image_tokens=places.numpy(),
            cells=cells,
            image_size=self.family.image_size(batch, self.processor),
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
        with probe or contextlib.nullcontext():
            logits = self.forward(cache, **self._prompt_inputs(prepared)).logits
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
                    cache, input_ids=following, position_ids=positions[:, :, index : index + 1]
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
        hidden = self._continue(prepared, token_ids, prepared.inputs, 1, probe)
        parts = []
        for start in range(0, len(token_ids), _TEACH_ROWS):
            with torch.inference_mode():
                logits = self.model.lm_head(hidden[0, start : start + _TEACH_ROWS]).float()
                log_probs = torch.log_softmax(logits, -1)
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
        batch = self.processor.image_processor(
            images=list(torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)),
            return_tensors="pt",
        )
        inputs = {key: batch[key].to(self.device) for key in self.family.image_inputs}
        hidden = self._continue(prepared, token_ids, inputs, len(images), None)
        return self._log_probs(hidden, token_ids).cpu().numpy()

    @torch.inference_mode()
    def _log_probs(self, hidden: Tensor, token_ids: Sequence[int]) -> Tensor:
        """Log-probability of each token, [B, T], from the decoder's output [B, T, hidden]."""
        count, length = hidden.shape[:2]
        wanted = torch.tensor(token_ids, device=self.device).repeat(count)
        rows = hidden.reshape(count * length, -1)
        step = max(1, _LOGITS_AT_ONCE // self._decoder.head.shape[0])
        parts = []
        for start in range(0, len(rows), step):
            logits = self.model.lm_head(rows[start : start + step]).float()
            chosen = logits.gather(1, wanted[start : start + step, None])[:, 0]
            parts.append(chosen - logits.logsumexp(-1))
        return torch.cat(parts).view(count, length)

    @torch.inference_mode()
    def _continue(
        self,
        prepared: Prepared,
        token_ids: Sequence[int],
        image_inputs: dict[str, Any],
        count: int,
        probe: Probe | None,
    ) -> Tensor:
        """The decoder's output [count, T, hidden] at the positions that produce each given token."""
        if not token_ids:
            raise ValueError("no tokens to continue with")
        given = torch.tensor([list(token_ids[:-1])], dtype=torch.long, device=self.device)
        positions = torch.cat(
            (prepared.inputs["position_ids"], self.following_positions(prepared, len(token_ids) - 1)), 2
        )
        with probe or contextlib.nullcontext():
            output = self.model.model(
                input_ids=torch.cat((prepared.inputs["input_ids"], given), 1).expand(count, -1),
                position_ids=positions.expand(-1, count, -1),
                use_cache=False,
                **{key: image_inputs[key] for key in self.family.image_inputs},
            )
        return output.last_hidden_state[:, prepared.prompt_length - 1 :]

    @torch.inference_mode()
    def forward(self, cache: DynamicCache, **inputs: Any) -> Any:
        """transformers' own output for more tokens, logits for the last position only; extends the cache."""
        with at_most(self._threads if inputs["input_ids"].shape[1] == 1 else None):
            return self.model(past_key_values=cache, use_cache=True, logits_to_keep=1, **inputs)

    def _prompt_inputs(self, prepared: Prepared) -> dict[str, Any]:
        return {key: prepared.inputs[key] for key in ("input_ids", "position_ids", *self.family.image_inputs)}

    def following_positions(self, prepared: Prepared, count: int, first: int = 0) -> Tensor:
        """Positions [4, 1, count] of generated tokens from ``first`` on."""
        steps = torch.arange(first, first + count, device=self.device)
        text, rest = prepared.prompt_length + steps, prepared.inputs["following"] + steps
        return torch.stack((text, rest, rest, rest))[:, None]

    def _template(self, content: list[dict[str, Any]]) -> Any:
        return self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=True,
            **self.family.template_arguments,
        )

    def _find_markers(self) -> tuple[Markers, frozenset[int]]:
        """Markers by token id, and the ids that end a turn."""
        vocabulary = self.tokenizer.get_vocab()
        opening, closing = (vocabulary.get(m) for m in (self.family.think_open, self.family.think_close))
        text = self.processor.apply_chat_template(
            [{"role": "user", "content": "?"}],
            add_generation_prompt=True,
            tokenize=False,
            **self.family.template_arguments,
        )
        opened = text.rstrip().endswith(self.family.think_open)
        configured = self.model.generation_config.eos_token_id or self.model.config.text_config.eos_token_id
        stops = {configured} if isinstance(configured, int) else set(configured or ())
        if self.tokenizer.eos_token_id is not None:
            stops.add(self.tokenizer.eos_token_id)
        silent = frozenset(stops | {marker for marker in (opening, closing) if marker is not None})
        return Markers(opening, closing, opened, silent), frozenset(stops)

    def _describe_decoder(self) -> Decoder:
        text_model = self.model.model.language_model
        layers = self.family.readable_layers(self.model.config.text_config)
        attentions = [text_model.layers[layer].self_attn for layer in layers]
        return Decoder(
            layers=layers,
            scaling=tuple(float(attention.scaling) for attention in attentions),
            output_projections=tuple(attention.o_proj.weight for attention in attentions),
            norm=text_model.norm,
            head=self.model.get_output_embeddings().weight,
            threads=self._threads,
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

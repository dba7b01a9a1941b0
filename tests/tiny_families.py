"""A tiny random checkpoint of each family: its real classes, processor, special tokens and on-disk layout.

Chat templates are shortened but faithful in what matters: turns, where the image stands, how thinking begins.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 1024,
    "initializer_range": 0.1,
}
M_ROPE = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
QWEN = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>",
)  # fmt: skip
QWEN_NAMES = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}
THINK = ("<think>", "</think>")
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48}


def chatml(image: str, opening: str = "", default_system: str = "") -> str:
    """A template of Qwen's kind; ``opening`` is what it writes before the model's turn."""
    system = (
        "{% if messages[0].role != 'system' %}<|im_start|>system\n"
        + default_system
        + "<|im_end|>\n{% endif %}"
        if default_system
        else ""
    )
    return (
        system + "{% for message in messages %}<|im_start|>{{ message.role }}\n"
        "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
        "{% if part.type == 'image' %}"
        + image
        + "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
        + opening
        + "{% endif %}"
    )


QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
QWEN3_5_OPENING = (
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% else %}<think>\n{% endif %}"
)
GLM_TEMPLATE = (
    "[gMASK]<sop>{% for message in messages %}<|{{ message.role }}|>\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|begin_of_image|><|image|><|end_of_image|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% if enable_thinking | default(false) %}<|turn>system\n<|think|><turn|>\n{% endif %}"
    "{% for message in messages %}<|turn>{{ message.role }}\n{% if message.content is string %}"
    "{{ message.content }}{% else %}{% for part in message.content %}{% if part.type == 'image' %}"
    "\n\n<|image|>\n\n{% else %}{{ part.text | trim }}{% endif %}{% endfor %}{% endif %}<turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn>model\n{% if not enable_thinking | default(false) %}"
    "<|channel>thought\n<channel|>{% endif %}{% endif %}"
)
MISTRAL_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}[SYSTEM_PROMPT]"
    "{% else %}[INST]{% endif %}{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}{% if part.type == 'image' %}[IMG]{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}{% if message.role == 'system' %}[/SYSTEM_PROMPT]{% else %}[/INST]{% endif %}"
    "{% endfor %}"
)


def byte_tokenizer(
    special: tuple[str, ...], added: tuple[str, ...], eos: str, names: dict[str, str], bos: str | None = None
) -> Any:
    """One token for each byte, and the markers of a family."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={byte: i for i, byte in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(text, special=True) for text in special])
    core.add_tokens([AddedToken(text, special=False) for text in added])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=eos, pad_token=special[0], bos_token=bos, extra_special_tokens=names
    )


def save(folder: Path, model_class: Any, config: Any, processor: Any, seed: int = 0) -> Path:
    """Save a random model with its processor; its image matters, and it hardly draws an image or an end."""
    import torch

    torch.manual_seed(seed)
    model = model_class(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and ("visual" in name or "vision" in name or "multi_modal" in name):
                parameter.mul_(6.0)
            elif name.endswith(("post_attention_layernorm.weight", "post_self_attn_layernorm.weight")):
                parameter.mul_(1 + 0.3 * torch.randn_like(parameter))
        ends = model.generation_config.eos_token_id or config.text_config.eos_token_id
        unlikely = [config.image_token_id, *([ends] if isinstance(ends, int) else ends)]
        model.get_output_embeddings().weight[unlikely] = 0.0
        for name, buffer in model.named_buffers():
            if name.endswith("layer_scalar"):
                buffer.fill_(1.25)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _ids(tokenizer: Any, **names: str) -> dict[str, int]:
    return {name: tokenizer.convert_tokens_to_ids(text) for name, text in names.items()}


def _qwen_ids(tokenizer: Any) -> dict[str, int]:
    return _ids(tokenizer, **{f"{name}_id": text for name, text in QWEN_NAMES.items()})


def save_qwen3_vl(folder: Path, seed: int = 0, layers: int = 3, experts: bool = False) -> Path:
    """Qwen3-VL with grouped heads and one DeepStack layer; with experts, in all layers but the first."""
    import transformers
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    kind = "Qwen3VLMoe" if experts else "Qwen3VL"
    tokenizer = byte_tokenizer(QWEN, THINK, "<|im_end|>", QWEN_NAMES)
    pixels = {"min_pixels": 32 * 32 * 4, "max_pixels": 32 * 32 * 24}
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=16, merge_size=2, temporal_patch_size=1, **pixels),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(),
        chat_template=chatml(QWEN_IMAGE, "<think>\n"),
    )
    config = getattr(transformers, f"{kind}Config")(
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 16,
            "spatial_merge_size": 2, "temporal_patch_size": 1, "out_hidden_size": 64,
            "num_position_embeddings": 64, "deepstack_visual_indexes": [0],
        },
        text_config=TEXT | {
            "vocab_size": len(tokenizer), "num_hidden_layers": layers, "rope_parameters": M_ROPE,
            "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None, "tie_word_embeddings": True,
        } | (EXPERTS | {"mlp_only_layers": [0]} if experts else {}),
        tie_word_embeddings=True,
        **_qwen_ids(tokenizer),
    )  # fmt: skip
    return save(folder, getattr(transformers, f"{kind}ForConditionalGeneration"), config, processor, seed)


def save_qwen2_5_vl(folder: Path, markers: tuple[str, ...], template: str) -> Path:
    """Qwen2.5-VL, the architecture of MiMo-VL and Cosmos-Reason1."""
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer = byte_tokenizer(QWEN, markers, "<|im_end|>", QWEN_NAMES)
    pixels = {"min_pixels": 28 * 28 * 4, "max_pixels": 28 * 28 * 24}
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=14, merge_size=2, **pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=template,
    )
    config = Qwen2_5_VLConfig(
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 14,
            "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 64, "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        text_config={key: value for key, value in TEXT.items() if key != "head_dim"} | {
            "vocab_size": len(tokenizer), "rope_parameters": M_ROPE, "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None, "use_sliding_window": False,
        },
        tie_word_embeddings=False,
        **_qwen_ids(tokenizer),
    )  # fmt: skip
    return save(folder, Qwen2_5_VLForConditionalGeneration, config, processor)


def save_mimo_vl(folder: Path) -> Path:
    """MiMo-VL: one token for each marker."""
    system = "You are MiMo, an AI assistant developed by Xiaomi."
    return save_qwen2_5_vl(folder, THINK, chatml(QWEN_IMAGE, default_system=system))


def save_cosmos_reason1(folder: Path) -> Path:
    """Cosmos-Reason1: markers spelled in plain letters."""
    return save_qwen2_5_vl(folder, (), chatml(QWEN_IMAGE, default_system="You are a helpful assistant."))


def save_glm4v(folder: Path, kind: str = "Glm4v") -> Path:
    """GLM-4.1V or 4.6V-Flash ("Glm46V") with two key heads and norms after attention, or 4.5V ("Glm4vMoe")
    with experts and without those norms."""
    import transformers

    outer, experts = "Glm46V" if kind == "Glm46V" else "Glm4v", kind == "Glm4vMoe"
    inner = "glm4v_moe" if experts else "glm4v"
    special = (
        "<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<|system|>", "<|user|>",
        "<|assistant|>", "<|observation|>", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>",
        "<|end_of_video|>", "<|image|>", "<|video|>",
    )  # fmt: skip
    added = (*THINK, "<answer>", "</answer>", "<|begin_of_box|>", "<|end_of_box|>")
    names = {"image_token": "<|image|>", "video_token": "<|video|>"}
    tokenizer = byte_tokenizer(special, added, "<|endoftext|>", names)
    size = {"shortest_edge": 28 * 28 * 8, "longest_edge": 28 * 28 * 48}
    processor = getattr(transformers, f"{outer}Processor")(
        image_processor=getattr(transformers, f"{outer}ImageProcessor")(
            patch_size=14, merge_size=2, size=size
        ),
        tokenizer=tokenizer,
        video_processor=getattr(transformers, f"{outer}VideoProcessor")(),
        chat_template=GLM_TEMPLATE,
    )
    eos = [tokenizer.convert_tokens_to_ids(t) for t in ("<|endoftext|>", "<|user|>", "<|observation|>")]
    config = getattr(transformers, f"{kind}Config")(
        vision_config={
            "model_type": f"{inner}_vision", "depth": 2, "hidden_size": 32, "num_heads": 2, "patch_size": 14,
            "image_size": 112, "out_hidden_size": 64, "intermediate_size": 48,
        },
        text_config={key: value for key, value in TEXT.items() if key != "head_dim"} | {
            "model_type": f"{inner}_text", "vocab_size": len(tokenizer),
            # Half of each head's entries turn in GLM-4.5V, so half as many frequencies are divided.
            "rope_parameters": M_ROPE | ({"mrope_section": [2, 1, 1]} if experts else {}),
            "eos_token_id": eos, "pad_token_id": tokenizer.pad_token_id,
        } | (EXPERTS | {"n_routed_experts": 4} if experts else {}),
        **_ids(
            tokenizer, image_token_id="<|image|>", video_token_id="<|video|>",
            image_start_token_id="<|begin_of_image|>", image_end_token_id="<|end_of_image|>",
            video_start_token_id="<|begin_of_video|>", video_end_token_id="<|end_of_video|>",
        ),
    )  # fmt: skip
    return save(folder, getattr(transformers, f"{kind}ForConditionalGeneration"), config, processor)


def save_qwen3_5(folder: Path, experts: bool = False) -> Path:
    """Qwen3.5: recurrent and full layers in turn, gated attention."""
    import transformers
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    kind = "Qwen3_5Moe" if experts else "Qwen3_5"
    tokenizer = byte_tokenizer(QWEN, THINK, "<|im_end|>", QWEN_NAMES)
    pixels = {"min_pixels": 32 * 32 * 4, "max_pixels": 32 * 32 * 24}
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=16, merge_size=2, **pixels),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(),
        chat_template=chatml(QWEN_IMAGE, QWEN3_5_OPENING),
    )
    config = getattr(transformers, f"{kind}Config")(
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 16,
            "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 64,
            "num_position_embeddings": 64,
        },
        text_config=TEXT | {
            "vocab_size": len(tokenizer), "num_hidden_layers": 4, "head_dim": 32,
            "layer_types": ["linear_attention", "full_attention"] * 2, "linear_num_key_heads": 2,
            "linear_num_value_heads": 4, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
            "rope_parameters": M_ROPE | {"partial_rotary_factor": 0.5, "mrope_interleaved": True},
            "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
        } | (EXPERTS | {"shared_expert_intermediate_size": 48} if experts else {}),
        **_qwen_ids(tokenizer),
    )  # fmt: skip
    # Of seed 0, two experts are so nearly tied for one token (by 5e-7) that rounding chooses between them.
    made = getattr(transformers, f"{kind}ForConditionalGeneration")
    return save(folder, made, config, processor, seed=int(experts))


def save_gemma4(folder: Path, experts: bool = False) -> Path:
    """Gemma 4 with all that any of its sizes has: windows, shared keys, two head sizes, a soft cap; experts
    beside the ordinary layers are asked for."""
    from transformers import (
        Gemma4AudioFeatureExtractor,
        Gemma4Config,
        Gemma4ForConditionalGeneration,
        Gemma4ImageProcessor,
        Gemma4Processor,
        Gemma4VideoProcessor,
    )

    names = {
        "image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>",
        "audio_token": "<|audio|>", "boa_token": "<|audio>", "eoa_token": "<audio|>",
    }  # fmt: skip
    special = ("<pad>", "<eos>", "<bos>", "<|turn>", "<turn|>", "<|think|>", "<|video|>", *names.values())
    tokenizer = byte_tokenizer(special, ("<|channel>", "<channel|>"), "<eos>", names, bos="<bos>")
    processor = Gemma4Processor(
        feature_extractor=Gemma4AudioFeatureExtractor(),
        image_processor=Gemma4ImageProcessor(patch_size=4, max_soft_tokens=70, pooling_kernel_size=3),
        tokenizer=tokenizer,
        video_processor=Gemma4VideoProcessor(),
        chat_template=GEMMA_TEMPLATE,
        image_seq_length=70,
    )
    eos = [tokenizer.convert_tokens_to_ids(text) for text in ("<eos>", "<turn|>")]
    sliding, full = "sliding_attention", "full_attention"
    config = Gemma4Config(
        vision_config={
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 2, "head_dim": 16, "patch_size": 4, "pooling_kernel_size": 3,
            "position_embedding_size": 256,
        },
        text_config=TEXT | {
            "vocab_size": len(tokenizer), "vocab_size_per_layer_input": len(tokenizer),
            "num_hidden_layers": 5, "layer_types": [sliding, full, sliding, sliding, full],
            "sliding_window": 40, "num_kv_shared_layers": 2, "hidden_size_per_layer_input": 8,
            "global_head_dim": 32, "attention_k_eq_v": True, "num_global_key_value_heads": 1,
            "use_bidirectional_attention": "vision", "final_logit_softcapping": 5.0,
            "eos_token_id": eos, "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
        } | ({
            "enable_moe_block": True, "num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 48,
        } if experts else {}),
        audio_config=None,
        **_ids(
            tokenizer, image_token_id="<|image|>", video_token_id="<|video|>", audio_token_id="<|audio|>",
            boi_token_id="<|image>", eoi_token_id="<image|>",
        ),
    )  # fmt: skip
    return save(folder, Gemma4ForConditionalGeneration, config, processor)


def save_ministral3(folder: Path) -> Path:
    """Ministral 3: row breaks, merged patches, queries scaled by position."""
    from transformers import (
        Mistral3Config,
        Mistral3ForConditionalGeneration,
        PixtralImageProcessor,
        PixtralProcessor,
    )

    special = (
        "<pad>", "<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
        "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[THINK]", "[/THINK]",
    )  # fmt: skip
    tokenizer = byte_tokenizer(special, (), "</s>", {}, bos="<s>")
    processor = PixtralProcessor(
        image_processor=PixtralImageProcessor(size={"longest_edge": 168}, patch_size=14),
        tokenizer=tokenizer,
        patch_size=14,
        spatial_merge_size=2,
        chat_template=MISTRAL_TEMPLATE,
    )
    scaled = ROPE | {"llama_4_scaling_beta": 0.1, "original_max_position_embeddings": 64}
    config = Mistral3Config(
        vision_config={
            "model_type": "pixtral", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "head_dim": 16, "patch_size": 14, "image_size": 168,
        },
        text_config=TEXT | {
            "model_type": "ministral3", "vocab_size": len(tokenizer), "rope_parameters": scaled,
            "sliding_window": None, "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
        tie_word_embeddings=True,
    )  # fmt: skip
    return save(folder, Mistral3ForConditionalGeneration, config, processor)


def save_internvl3_5(folder: Path) -> Path:
    """InternVL3.5 over Qwen3: tiles of 56 pixels with four visual tokens each, and a thumbnail."""
    from transformers import (
        GotOcr2ImageProcessor,
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLProcessor,
        InternVLVideoProcessor,
    )

    names = {
        "start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }  # fmt: skip
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *names.values())
    tokenizer = byte_tokenizer(special, THINK, "<|im_end|>", names)
    processor = InternVLProcessor(
        image_processor=GotOcr2ImageProcessor(size={"height": 56, "width": 56}, crop_to_patches=True),
        tokenizer=tokenizer,
        video_processor=InternVLVideoProcessor(size={"height": 56, "width": 56}),
        image_seq_length=4,
        chat_template=chatml("<IMG_CONTEXT>\n"),
    )
    config = InternVLConfig(
        vision_config={
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": [56, 56], "patch_size": [14, 14],
        },
        text_config=TEXT | {
            "model_type": "qwen3", "vocab_size": len(tokenizer), "rope_parameters": ROPE,
            "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        tie_word_embeddings=False,
    )  # fmt: skip
    return save(folder, InternVLForConditionalGeneration, config, processor)


# The name of a checkpoint's folder tells its family where several share a model type.
SAVERS: dict[str, Callable[[Path], Path]] = {
    "qwen3-vl": save_qwen3_vl,
    "glm-4v": save_glm4v,
    "glm-4.6v": lambda folder: save_glm4v(folder, "Glm46V"),
    "mimo-vl": save_mimo_vl,
    "cosmos-reason1": save_cosmos_reason1,
    "qwen3.5": save_qwen3_5,
    "gemma-4": save_gemma4,
    "ministral-3": save_ministral3,
    "internvl3.5": save_internvl3_5,
}
# Of experts, only the text decoder is built otherwise.
WITH_EXPERTS: dict[str, Callable[[Path], Path]] = {
    "qwen3-vl-moe": lambda folder: save_qwen3_vl(folder, experts=True),
    "glm-4.5v": lambda folder: save_glm4v(folder, "Glm4vMoe"),
    "qwen3.5-moe": lambda folder: save_qwen3_5(folder, experts=True),
    "gemma-4-moe": lambda folder: save_gemma4(folder, experts=True),
}

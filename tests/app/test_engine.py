"""The real engine and the commands on it, with a tiny random checkpoint in place of the bundled one."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sam_checkpoints import save_tiny_sam

from app.engine import Engine
from app.main import main
from core.control import RunControl
from core.errors import InputError
from core.events import Started, fold
from core.export.marked_section import marks
from core.reattribution import OtherModelError, before_effects
from core.region_edits import delete
from core.screenshot import from_array
from core.store import read_trace, save_trace
from core.trace import Identity
from models import segmenters
from models.segmenters import SEGMENTERS, load_segmenter


@pytest.fixture(scope="module")
def tiny_estimator(tmp_path_factory, tiny_folder, tiny_thinker):
    """A random estimator that fits the tiny checkpoint."""
    import torch

    from core.estimator import EffectNetwork, EstimatorConfig, save_estimator

    torch.manual_seed(0)
    text = tiny_thinker.model.config.text_config
    config = EstimatorConfig(
        text.num_hidden_layers, text.num_attention_heads, text.num_key_value_heads * text.head_dim,
        text.hidden_size, thinker="tiny",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("estimators") / "tiny"
    save_estimator(folder, EffectNetwork(config), config, {})
    return folder


@pytest.fixture
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.full((90, 150, 3), 250, np.uint8)
    pixels[20:50, 20:60] = (200, 30, 30)
    pixels[40:70, 90:130] = (30, 30, 200)
    Image.fromarray(pixels).save(tmp_path / "screen.png")
    return tmp_path / "screen.png"


def run(picture, tiny_folder, tiny_estimator, *more: str) -> int:
    return main(
        ["run", str(picture), "--prompt", "What?", "--model", str(tiny_folder), "--estimator",
         str(tiny_estimator), "--max-new-tokens", "12", "--out", "o", *more]
    )  # fmt: skip


def test_a_run_has_effects_for_every_token_and_region(picture, tiny_folder, tiny_estimator, tmp_path):
    assert run(picture, tiny_folder, tiny_estimator) == 0
    trace = read_trace(tmp_path / "o" / "trace.sightline")
    assert len(trace) == trace.estimated == 12
    assert len(trace.region_map) >= 3
    assert np.abs(trace.effects).max() > 0
    assert trace.status == "finished"


def test_verify_measures_and_the_trace_keeps_it(picture, tiny_folder, tiny_estimator, tmp_path, capsys):
    assert run(picture, tiny_folder, tiny_estimator) == 0
    capsys.readouterr()
    path = tmp_path / "o" / "trace.sightline"
    assert main(["verify", str(path), "--masks", "8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    trace = read_trace(path)
    assert len(trace.measured) == trace.step_count == result["lds"]["steps"]
    assert np.allclose(result["steps"][0]["measured"], trace.measured[0].effects, atol=1e-3)
    trace.set_bounds(0, (trace.effects - 1e3, trace.effects + 1e3))
    save_trace(path, trace)
    assert main(["verify", str(path), "--steps", "0:1", "--masks", "4"]) == 0
    told = capsys.readouterr().out
    assert "over 1 step" in told
    assert "over 1 steps" not in told
    count = len(trace.region_map)
    assert f"{count} of {count} measured effects of single regions lie in their intervals" in told


def test_verify_says_how_many_steps_a_killed_run_never_estimated(
    picture, tiny_folder, tiny_estimator, tmp_path, capsys
):
    assert run(picture, tiny_folder, tiny_estimator) == 0
    path = tmp_path / "o" / "trace.sightline"
    trace = read_trace(path)
    killed = before_effects(trace, trace.region_map, trace.segmenter)
    for token in range(len(trace), len(trace) + 4):  # a further step
        killed.add_token(replace(trace.tokens[-1], index=token, step=trace.step_count))
    killed.set_effects(0, trace.effects, trace.reliance)
    save_trace(path, killed)
    capsys.readouterr()
    assert main(["verify", str(path), "--masks", "4"]) == 0
    told = capsys.readouterr()
    assert "left out 1 step that the run ended before" in told.err
    assert len(read_trace(path).measured) == killed.step_count - 1
    last = f"{killed.step_count - 1}:{killed.step_count}"
    assert main(["verify", str(path), "--steps", last, "--masks", "4"]) == 2
    told = capsys.readouterr()
    assert told.err.strip().splitlines()[-1].startswith("sightline: The run ended before the effects")
    assert "Measuring" not in told.err


def test_a_trace_cannot_command_the_terminal_of_who_verifies_it(
    picture, tiny_folder, tiny_estimator, tmp_path, capsys
):
    assert run(picture, tiny_folder, tiny_estimator) == 0
    path = tmp_path / "o" / "trace.sightline"
    trace = read_trace(path)
    trace.tokens[0] = replace(trace.tokens[0], text="a\x1b[2Jb")
    save_trace(path, trace)
    capsys.readouterr()
    assert main(["verify", str(path), "--steps", "0:1", "--masks", "4"]) == 0
    told = capsys.readouterr().out
    assert "a\ufffd[2Jb" in told
    assert "\x1b" not in told


@pytest.mark.parametrize("more", [["--operator", "magic"], ["--masks", "0"], ["--steps", "5:99"]])
def test_verify_refuses_what_it_cannot_do(picture, tiny_folder, tiny_estimator, tmp_path, capsys, more):
    assert run(picture, tiny_folder, tiny_estimator) == 0
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "o" / "trace.sightline"), *more]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_an_estimator_of_another_shape_is_refused(tiny_folder, tmp_path):
    from core.estimator import EffectNetwork, EstimatorConfig, save_estimator

    config = EstimatorConfig(layers=1, heads=1, thinker="other")
    save_estimator(tmp_path / "e", EffectNetwork(config), config, {})
    with pytest.raises(InputError, match="Calibrate"):
        Engine(str(tiny_folder), str(tmp_path / "e")).load(lambda text, part: None)


def test_an_estimator_of_other_weights_of_the_same_shape_is_refused(tiny_folder, tiny_estimator, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(tiny_estimator, other)
    content = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(content | {"thinker_sha256": "of other weights"}))
    with pytest.raises(InputError, match="fitted on other weights"):
        Engine(str(tiny_folder), str(other)).load(lambda *_: None)


def test_bench_speed_prints_a_table_and_writes_numbers(tiny_folder, tiny_estimator, tmp_path, capsys):
    out = tmp_path / "speed.json"
    arguments = ["--model", str(tiny_folder), "--estimator", str(tiny_estimator), "--samples", "1"]
    assert main(["bench", "speed", *arguments, "--rounds", "1", "--json", str(out)]) == 0
    assert "output_attentions" in capsys.readouterr().out
    assert json.loads(out.read_text())["ratio"]["median"] > 0


def test_bench_faithfulness_prints_a_table_and_draws_it(
    tiny_folder, tiny_estimator, tmp_path, capsys, monkeypatch
):
    import dataclasses

    from core.attribution.linear_attention import LinearAttention, save_linear
    from models import faithfulness_bench

    real, methods = faithfulness_bench.bench_faithfulness, ("linear attention", "estimator", "leave-one-out")
    monkeypatch.setattr(
        faithfulness_bench,
        "bench_faithfulness",
        lambda load, plan, *rest: real(
            load, dataclasses.replace(plan, methods=methods, max_new_tokens=3), *rest
        ),
    )
    save_linear(tiny_estimator, LinearAttention(np.ones((3, 4), np.float32), "of another model", 1))
    figures, picture, readme = tmp_path / "f.json", tmp_path / "f.png", tmp_path / "README.md"
    readme.write_text("".join(marks("faithfulness")), encoding="utf-8")
    arguments = ["--model", str(tiny_folder), "--estimator", str(tiny_estimator), "--samples", "1"]
    arguments += ["--masks", "4", "--precision", "full", "--json", str(figures)]
    assert main(["bench", "faithfulness", *arguments, "--picture", str(picture)]) == 0
    told = capsys.readouterr()
    assert "leave-one-out" in told.out
    assert "belongs to another model" in told.err
    result = json.loads(figures.read_text())
    assert (result["screens"], result["precision"]) == (5, "model")
    assert set(result["methods"]) == {"estimator", "leave-one-out", "best sum"}
    with Image.open(picture) as drawn:
        assert drawn.width > 1000
    assert not list(tmp_path.glob("*.unfinished"))
    monkeypatch.setattr(faithfulness_bench, "bench_faithfulness", None)
    assert main(["bench", "faithfulness", "--from", str(figures), "--readme", str(readme)]) == 0
    assert capsys.readouterr().out == told.out
    assert "| leave-one-out |" in readme.read_text(encoding="utf-8")


def test_bench_shows_no_figures_of_something_else_and_goes_on_with_nothing_unnamed(tmp_path, capsys):
    (tmp_path / "f.json").write_text('{"schema": "sightline.faithfulness/1"}', encoding="utf-8")
    for name, words in {"f.json": "no result of this version", "none.json": "Cannot read"}.items():
        assert main(["bench", "faithfulness", "--from", str(tmp_path / name)]) == 2
        assert words in capsys.readouterr().err
    (tmp_path / "README.md").write_text("no marks", encoding="utf-8")
    for option, name in {"--readme": "README.md", "--picture": "none/f.png", "--json": "none/f.json"}.items():
        assert main(["bench", "faithfulness", option, str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err
    assert main(["bench", "faithfulness", "--resume"]) == 2
    assert "--json" in capsys.readouterr().err


def test_bench_dynamics_prints_a_table(tiny_folder, tiny_estimator, capsys, monkeypatch):
    from models import dynamics_bench

    real = dynamics_bench.bench_dynamics
    monkeypatch.setattr(
        dynamics_bench, "bench_dynamics", lambda *given, say: real(*given, max_new_tokens=4, say=say)
    )
    arguments = ["--model", str(tiny_folder), "--estimator", str(tiny_estimator), "--samples", "1"]
    assert main(["bench", "dynamics", *arguments]) == 0
    assert "wandering" in capsys.readouterr().out


def test_bench_refuses_an_unknown_precision(capsys):
    assert main(["bench", "faithfulness", "--precision", "exact"]) == 2
    assert "Choose full or half" in capsys.readouterr().err


def test_bench_refuses_what_it_does_not_know(capsys):
    assert main(["bench", "beauty"]) == 2
    assert "beauty" in capsys.readouterr().err


@pytest.fixture(scope="module")
def tiny_sam(tmp_path_factory):
    return f"sam:{save_tiny_sam(tmp_path_factory.mktemp('sam') / 'tiny')}"


def test_masks_come_from_the_chosen_sam_and_the_screenshot_is_encoded_once(tiny_sam):
    engine, shot = (
        Engine(),
        from_array(np.random.default_rng(0).integers(0, 255, (90, 140, 3), np.uint8), "n"),
    )
    encoder = load_segmenter(tiny_sam).model.sam.image_encoder
    runs = []
    handle = encoder.register_forward_pre_hook(lambda module, inputs: runs.append(1))
    masks = engine.masks(shot, tiny_sam, (70, 40), lambda: False)
    assert 1 <= len(masks) <= 3
    assert all(mask.shape == (90, 140) and mask.dtype == bool for mask in masks)
    sizes = [int(mask.sum()) for mask in masks]
    assert sizes == sorted(sizes)
    engine.masks(shot, tiny_sam, (20, 20, 90, 70), lambda: False)
    handle.remove()
    assert len(runs) == 1
    other = from_array(np.zeros((30, 40, 3), np.uint8), "other")
    assert engine.masks(other, tiny_sam, (3, 3), lambda: True) == [], "taken back"


def test_two_checkpoints_of_sam_are_not_kept(tiny_sam, tmp_path):
    engine, shot = Engine(), from_array(np.zeros((30, 40, 3), np.uint8), "n")
    engine.masks(shot, tiny_sam, (3, 3), lambda: False)
    before = weakref.ref(load_segmenter(tiny_sam).model)
    engine.segment(shot, f"sam:{save_tiny_sam(tmp_path / 'other', 1)}", lambda *_: None, lambda: False)
    gc.collect()
    assert before() is None


def test_a_checkpoint_that_is_let_go_while_it_looks_is_not_loaded_again(tiny_sam):
    shot, loaded = from_array(np.zeros((30, 40, 3), np.uint8), "n"), []

    def progress(_text, fraction):
        loaded.append(tiny_sam in segmenters._loaded)
        if fraction == 1.0:
            segmenters.let_go_of_others("sam:another")

    _, identity = Engine().segment(shot, tiny_sam, progress, lambda: False)
    assert loaded[-1]
    assert tiny_sam not in segmenters._loaded
    assert identity.sha256


def test_without_weights_of_sam_it_is_said_what_is_missing(monkeypatch):
    shot = from_array(np.zeros((30, 40, 3), np.uint8), "n")
    monkeypatch.delitem(SEGMENTERS, "sam", raising=False)
    with pytest.raises(InputError, match="needs Segment Anything"):
        Engine().masks(shot, "opencv", (3, 3), lambda: False)
    with pytest.raises(InputError, match="There is no checkpoint"):
        Engine().masks(shot, "sam:nowhere.pth", (3, 3), lambda: False)


def test_a_screenshot_makes_as_many_visual_tokens_as_the_model_says():
    assert Engine().visual_tokens(320, 160) == 10 * 5


def test_a_trace_is_attributed_to_other_regions_by_the_real_engine(
    picture, tiny_folder, tiny_estimator, tmp_path
):
    assert run(picture, tiny_folder, tiny_estimator) == 0
    trace = read_trace(tmp_path / "o" / "trace.sightline")
    engine = Engine(str(tiny_folder), str(tiny_estimator))
    coarser = delete(trace.region_map, 1)
    events = list(engine.reattribute(trace, coarser, Identity("hand"), RunControl()))
    again = next(event.trace for event in events if isinstance(event, Started))
    for event in events:
        fold(again, event)
    assert again.estimated == len(trace) == 12
    assert again.effects.shape == (12, len(trace.region_map) - 1)
    assert np.abs(again.effects).max() > 0
    trace.model = Identity("other", "1")
    with pytest.raises(OtherModelError):
        list(engine.reattribute(trace, coarser, Identity("hand"), RunControl()))

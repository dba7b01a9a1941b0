"""What the README says of faithfulness is what the committed figures say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import core
from core.comparison import EVERY
from core.export.faithfulness_text import section
from core.export.marked_section import marked_section

ROOT = Path(next(iter(core.__path__))).parent


@pytest.fixture(scope="module")
def result():
    return json.loads((ROOT / "docs" / "faithfulness.json").read_text(encoding="utf-8"))


def test_the_readme_holds_the_figures_of_the_committed_run(result):
    assert marked_section(ROOT / "README.md", "faithfulness")[1] == section(result)


def test_a_row_says_lds_with_its_interval_and_what_it_costs(result):
    row = result["methods"]["estimator"]
    line = next(line for line in section(result).splitlines() if line.startswith("| **estimator**"))
    steps = [f"{row['steps'][end]:.2f}".removeprefix("0") for end in ("mean", "low", "high")]
    assert f"**{steps[0]} [{steps[1]}, {steps[2]}]**" in line
    assert line.endswith(f"**0 + {row['encodings']:.0f} encodings** |")


def test_how_near_the_estimator_comes_to_ablations_is_said_in_a_sentence(result):
    share = result["methods"]["estimator"]["share_of_ceiling"]
    told = section(result).replace("\n", " ")
    for of in ("reliant_steps", "reliant_tokens", "steps", "tokens", "r2"):
        assert f"{share[of]['mean']:.2f}".removeprefix("0") + " [" in told
    for of in ("for steps that rest on the screenshot", "for such tokens", "for all", "of its R² in nats"):
        assert of in told


def test_what_does_not_rest_on_the_screenshot_is_told_with_how_little_it_moves(result):
    steps = {"targets": 40, "reliant": 30, "spread": 0.0000123, "spread_of_reliant": 9.6}
    tokens = {"targets": 10, "reliant": 4, "spread": 0.0, "spread_of_reliant": 1.0}
    told = section(result | {"moved": {"threshold": 1.0, "steps": steps, "tokens": tokens}}).replace(
        "\n", " "
    )
    assert "(25 % of the steps, 60 % of the tokens)" in told
    assert "such a step by about 0.00001 nats, and one that rests on it by about 10 " in told


def test_the_command_says_what_was_asked_for_beyond_what_is_usual(result):
    usual = result | {"kinds": dict.fromkeys(result["kinds"], 100), "every": EVERY}
    assert "`uv run sightline bench faithfulness`" in section(usual).replace("\n", " ")
    other = result | {"kinds": dict.fromkeys(result["kinds"], 7), "every": 3}
    assert "faithfulness --samples 7 --every 3`" in section(other).replace("\n", " ")


def between(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "count": 9}


def test_flag_and_intervals_are_told_where_they_were_judged(result):
    auc = {"estimated reliance": between(0.97), "attention on the image": between(0.6)}
    block = {"coverage": between(0.905), "width": between(0.21)}
    told = section(
        result
        | {"flag": {"threshold": 0.5, "tokens": {"auc": auc}, "steps": {"auc": auc}}}
        | {"intervals": {"nominal": 0.9, "tokens": block, "steps": block}}
    ).replace("\n", " ")
    assert "(a reliance below 0.5 nats)" in told
    assert ".97 [.96, .98] for tokens" in told
    assert "by attention on the image alone, with .60 [.59, .61] and .60 [.59, .61]" in told
    assert "90 % intervals hold 90.5 % [89.5, 91.5]" in told
    assert "(mean width 0.21 nats)" in told

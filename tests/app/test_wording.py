"""Numbers and findings are worded plainly, and nothing a model wrote is read as markup."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace

from app import wording
from core.quantity import UNCALIBRATED


@pytest.mark.parametrize(
    ("value", "text"), [(4.2, "+4.20"), (-0.1, "−0.10"), (0.0, "0.00"), (-0.001, "0.00"), (0.004, "0.00")]
)
def test_signed_numbers(value, text):
    assert wording.signed_number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.64, "0.64"), (27.4, "27"), (262.0, "260"), (2618.0, "2,600")])
def test_rough_figures_have_two_digits_and_no_exponent(value, text):
    assert wording.two_digits(value) == text


def test_nats_never_say_minus_zero():
    assert wording.nats(-0.01) == "0.0 nats"
    assert wording.nats(-0.1) == "−0.1 nats"


def test_shares_are_parts_of_the_support_only():
    np.testing.assert_allclose(wording.shares(np.array([3.0, 1.0, -5.0, 0.0])), [0.75, 0.25, 0, 0])
    assert wording.shares(np.array([-1.0, 0.0])).tolist() == [0, 0]


def test_of_next_to_no_support_there_are_no_shares():
    assert wording.shares(np.array([0.04, 0.01])).tolist() == [0, 0]
    np.testing.assert_allclose(wording.shares(np.array([0.04, 0.01]), UNCALIBRATED), [0.8, 0.2])


def test_small_shares_are_not_rounded_to_nothing():
    assert [wording.percent(s) for s in (0.0, 0.004, 0.43)] == ["–", "< 1 %", "43 %"]


def set_effects(trace, index, values):
    effects = np.zeros((1, len(trace.region_map)), np.float32)
    effects[0, : len(values)] = values
    trace.set_effects(index, effects, effects.sum(1))


def test_a_difference_of_attention_has_no_unit_and_no_plural():
    trace = fake_trace()
    found = wording.difference_finding(trace.region_map, 1, np.array([0.0, -0.5]), UNCALIBRATED)
    name = trace.region_map.regions[1].name
    assert found == f"{name}\n−0.50 relative, difference of uncalibrated attention"
    assert wording.difference_finding(trace.region_map, 1, None) == name


def test_the_finding_names_the_main_region():
    trace = fake_trace()
    set_effects(trace, 4, [0.2, 4.0])
    name = trace.region_map.regions[1].name
    assert (
        wording.selection_finding(trace, 4, 5)
        == f"This token depends on the screenshot: 4.2 nats, mostly on “{name}”."
    )


def test_the_finding_says_when_no_region_matters_by_itself():
    trace = fake_trace()
    values = np.full(len(trace.region_map), 0.1)
    trace.set_effects(4, values[None].astype("f4"), np.array([9.0], "f4"))
    finding = wording.selection_finding(trace, 4, 5)
    assert "9.0 nats, but on no region alone; the strongest is “" in finding
    assert finding.endswith("with 0.1 nats.")


def test_the_finding_says_when_nothing_was_seen_or_the_screenshot_speaks_against():
    trace = fake_trace()
    set_effects(trace, 4, [-0.1])
    set_effects(trace, 5, [-2.0])
    assert "almost no visual evidence: −0.1 nats" in wording.selection_finding(trace, 4, 5)
    assert "likelier without the screenshot: −2.0 nats" in wording.selection_finding(trace, 5, 6)


def test_the_finding_of_a_step_is_the_sum_over_its_tokens():
    trace = fake_trace()
    step = trace.step(1)
    reliance = float(trace.reliance[step.start : step.end].sum())
    finding = wording.selection_finding(trace, step.start, step.end)
    assert finding.startswith("Step 2 depends on the screenshot")
    assert wording.nats(reliance) in finding


def test_tooltips_show_markup_literally(qapp):
    from PySide6.QtGui import QTextDocumentFragment

    text = "<b>bold</b>\n<img src='x'>&amp;"
    shown = QTextDocumentFragment.fromHtml(wording.plain_tooltip(text)).toPlainText()
    assert shown == text


def test_several_tokens_rest_and_one_token_rests():
    trace = fake_trace()
    step = trace.step(0)
    assert " depends on " in wording.selection_finding(trace, step.start, step.end)
    several = wording.selection_finding(trace, step.start, step.end - 1)
    assert several.startswith("These ")
    assert " depend on " in several

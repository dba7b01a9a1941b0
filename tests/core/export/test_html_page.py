"""The HTML export in a real browser: what it shows, how it is scrubbed, that nothing in it runs or leaks."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import Browser
from browser_pipes import ChromiumPipe, WebEnginePipe, installed, why_no_web_engine
from PIL import Image

from core.export.composition import signed
from core.export.html_page import export_html, script_safe, to_html
from core.trace import Token

HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 2'>",
    "<!--<script>",
    "]]>\u2028\u2029&lt;b&gt; \0 \ud800",
    "javascript:window.hacked=3",
    "$script ${data} $$",
    "<svg onload='window.hacked = 4'><style>* { display: none }</style>",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A Chromium that is installed, or else the one of Qt's web engine."""
    binary = installed()
    if binary is not None:
        with Browser(ChromiumPipe(binary, tmp_path_factory.mktemp("profile"))) as started:
            yield started
        return
    lacking = why_no_web_engine()
    if lacking:
        pytest.skip(f"no browser on this machine, so the HTML export is not tried in one: {lacking}")
    with Browser(WebEnginePipe(), own_page=False) as started:
        yield started


@pytest.fixture
def trace(make_trace):
    return make_trace(np.full((240, 360, 3), 255, np.uint8))


@pytest.fixture
def page(browser, tmp_path, trace):
    """A page of the trace, open in the browser."""
    out = tmp_path / "page.html"
    export_html(trace, out)
    browser.open(out)
    return browser


def text(browser, selector: str) -> str:
    return browser.value(f"document.querySelector({selector!r}).textContent")


def all_quiet(browser) -> None:
    """Nothing failed, nothing was refused, nothing was fetched but the page and the picture in it."""
    assert browser.told("Runtime.exceptionThrown") == []
    assert browser.told("Log.entryAdded") == []
    urls = [sent["request"]["url"] for sent in browser.told("Network.requestWillBeSent")]
    assert {url.split(":")[0] for url in urls} <= {"file", "data"}
    assert sum(url.startswith("file:") for url in urls) == 1


def test_the_page_shows_what_the_trace_says(page, trace):
    assert text(page, "#prompt") == trace.prompt
    assert "bundled thinker" in text(page, "#about")
    shown = page.value("[...document.querySelectorAll('.token')].map(e => e.textContent)")
    starts = {step.start for step in trace.steps}  # a step is a line, which begins at its first word
    assert shown == [t.text.lstrip() if t.index in starts else t.text for t in trace.tokens]
    assert page.value("[...document.querySelectorAll('h2')].map(e => e.textContent)") == [
        "thinking",
        "answer",
    ]
    assert page.value("document.querySelectorAll('#regions path').length") == len(trace.region_map)
    assert text(page, "#place") == "token 1 of 20, step 1"
    assert signed(float(trace.reliance[0])) in text(page, "#finding")
    assert "estimated" in text(page, "#finding")
    all_quiet(page)


def test_the_keys_and_the_mouse_move_the_playhead(page, trace):
    for key, ctrl, place in [
        ("ArrowRight", False, "token 2 of 20, step 1"),
        ("ArrowRight", True, "token 6 of 20, step 2"),
        ("End", False, "token 20 of 20, step 4"),
        ("ArrowLeft", True, "token 16 of 20, step 4"),
        ("ArrowLeft", True, "token 11 of 20, step 3"),
        ("ArrowLeft", False, "token 10 of 20, step 2"),
        ("Home", False, "token 1 of 20, step 1"),
    ]:
        page.press(key, ctrl)
        assert text(page, "#place") == place
    page.point(".token[data-token='12']", click=True)
    assert text(page, "#place") == "token 13 of 20, step 3"
    effects = trace.effects[12]
    first = page.value("document.querySelector('#table button').children[2].textContent")
    assert first == signed(float(effects[np.abs(effects).argmax()]))
    page.press(" ")
    assert text(page, "#play") == "Hold"
    page.press(" ")
    assert text(page, "#play") == "Play"
    all_quiet(page)


def test_a_whole_step_shows_its_sum_and_what_was_measured(page, trace):
    page.value("document.getElementById('whole').click()")
    step = trace.steps[0]
    sums = trace.span_effects(step.start, step.end)
    best = int(np.abs(sums).argmax())
    row = page.value("[...document.querySelector('#table button').children].map(e => e.textContent)")
    assert row[0] == trace.region_map.regions[best].name
    assert row[2] == signed(float(sums[best]))
    assert row[3] == signed(float(trace.measured[0].effects[best]))
    assert "Measured (pixels): +3.50 nats." in text(page, "#finding")


def test_a_region_under_the_mouse_marks_the_tokens_that_rely_on_it(page, trace):
    page.point("#regions path[d^='M18 ']")  # a region, not the background
    lit = page.value("document.querySelector('#regions path.lit title').textContent")
    region = next(r.id for r in trace.region_map.regions if r.name == lit)
    marked = page.value("[...document.querySelectorAll('.relies')].map(e => Number(e.dataset.token))")
    assert marked == [int(i) for i in np.flatnonzero(trace.effects[:, region] >= 0.25)]
    assert marked
    page.press("Home")
    page.press("n")
    after = [token for token in marked if token > 0]
    assert text(page, "#place").startswith(f"token {after[0] + 1} ")


def test_a_row_keeps_the_focus_and_stays_lit_while_the_playhead_moves(page, trace):
    page.value("document.querySelectorAll('#table button')[2].focus()")
    row = "document.activeElement.firstChild.textContent"
    rows = "[...document.querySelectorAll('#table button')].map(e => e.firstChild.textContent)"
    name = page.value(row)
    region = next(r.id for r in trace.region_map.regions if r.name == name)
    places = set()
    for token in [int(i) for i in np.flatnonzero(trace.effects[:, region] >= 0.25) if i > 0]:
        page.press("n")
        assert text(page, "#place").startswith(f"token {token + 1} ")
        assert page.value(row) == name
        assert text(page, "#table button.lit span") == name
        order = page.value(rows)
        ranks = np.argsort(-np.abs(trace.effects[token]), kind="stable")
        assert order == [trace.region_map.regions[i].name for i in ranks]
        places.add(order.index(name))
    assert len(places) > 1


def test_the_picture_is_coloured_by_the_effects_and_the_theme_switches(browser, tmp_path, make_trace):
    trace = make_trace(np.full((240, 360, 3), 255, np.uint8), rows=1, columns=2)
    effects = np.zeros((20, 3), np.float32)
    effects[:, 1], effects[:, 2] = 3.0, -3.0
    trace.set_effects(0, effects, effects.sum(1))
    export_html(trace, tmp_path / "p.html", opacity=100)
    browser.open(tmp_path / "p.html")
    picture = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    for region, expected in ((1, (179, 72, 0)), (2, (0, 82, 143))):  # the ends of the diverging table
        box = browser.value(
            f"(() => {{ const path = document.querySelectorAll('#regions path')[{region}];"
            "const b = path.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        assert np.abs(np.subtract(picture.getpixel((int(box[0]), int(box[1]))), expected)).max() <= 2
    dark = "getComputedStyle(document.body).backgroundColor"
    before = browser.value(dark)
    browser.point("#theme", click=True)
    assert browser.value(dark) != before
    all_quiet(browser)


def test_the_address_opens_the_page_at_a_step(browser, tmp_path, make_trace):
    export_html(make_trace(), tmp_path / "p.html", (1, 3))
    browser.open(tmp_path / "p.html", "#step=3")
    assert text(browser, "#place") == "token 11 of 20, step 3"
    assert text(browser, "#finding").startswith("Step 3 ")


def test_nothing_the_model_or_the_file_wrote_is_ever_run(browser, tmp_path, make_trace):
    trace = make_trace()
    for i, bad in enumerate(HOSTILE):
        trace.tokens[i] = replace(trace.tokens[i], text=bad)
    trace.prompt = "</title><script>window.hacked = 5</script>" + HOSTILE[0]
    regions = tuple(replace(region, name=HOSTILE[i % 7]) for i, region in enumerate(trace.region_map.regions))
    trace.region_map = replace(trace.region_map, regions=regions)
    trace.model = replace(trace.model, name=HOSTILE[1])
    trace.measured = [replace(one, operator=HOSTILE[0]) for one in trace.measured]
    export_html(trace, tmp_path / "p.html")
    browser.open(tmp_path / "p.html")
    browser.value("document.getElementById('whole').click()")
    for _ in HOSTILE:
        browser.press("ArrowRight")
    browser.point("#regions path:nth-of-type(3)")
    assert browser.value("typeof window.hacked") == "undefined"
    assert browser.value("document.scripts.length") == 2
    assert browser.value("document.querySelectorAll('img').length") == 1
    assert text(browser, "#prompt") == trace.prompt
    shown = browser.value("[...document.querySelectorAll('.token')].slice(0, 3).map(e => e.textContent)")
    assert shown == list(HOSTILE[:3])
    all_quiet(browser)


def test_the_policy_stops_a_script_that_is_not_the_page_s_own(browser, tmp_path, make_trace):
    """Were the escaping broken, the second lock would hold."""
    page = to_html(make_trace()).replace(
        "</body>", "<script>window.hacked = 1</script><p onclick='window.hacked = 2' id='trap'>x</p></body>"
    )
    (tmp_path / "p.html").write_text(page)
    browser.open(tmp_path / "p.html")
    browser.value("document.getElementById('trap').click()")
    assert browser.value("typeof window.hacked") == "undefined"
    assert browser.value("document.querySelectorAll('.token').length") == 20
    refused = [entry["entry"]["text"] for entry in browser.told("Log.entryAdded")]
    assert any("Content Security Policy" in line for line in refused)
    write = "try { document.body.innerHTML = '<b>x</b>'; return 'written'; } catch (e) { return e.name; }"
    assert browser.value(f"(() => {{ {write} }})()") == "TypeError"


def test_a_trace_without_tokens_or_estimates_is_shown_too(browser, tmp_path, make_trace):
    export_html(make_trace(steps=0), tmp_path / "empty.html")
    browser.open(tmp_path / "empty.html")
    assert text(browser, "#finding") == "Nothing was generated."
    trace = make_trace()
    trace.add_token(Token(20, 1, " late", -0.1, "answer", 3))
    export_html(trace, tmp_path / "late.html")
    browser.open(tmp_path / "late.html", "#token=21")
    assert text(browser, "#finding") == "“late”: effects were not estimated."
    all_quiet(browser)


def test_the_page_asks_for_nothing_and_has_no_handlers_in_its_markup(make_trace):
    page = to_html(make_trace())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["style-src"])
    assert "unsafe" not in policy[1]
    assert not re.search(r"<[^>]*\son\w+\s*=", page.split("<script", 1)[0])
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("bad", HOSTILE)
def test_json_in_the_page_cannot_leave_its_element(bad):
    import json

    safe = script_safe(json.dumps(bad, ensure_ascii=False))
    assert not set("<>&'\u2028\u2029") & set(safe)
    assert json.loads(safe) == bad

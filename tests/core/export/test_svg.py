from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from core.errors import InputError
from core.export.annotate import annotate
from core.export.composition import compose
from core.export.look import Look
from core.export.svg import export_svg, to_svg

NS = "{http://www.w3.org/2000/svg}"


def rendered(path) -> np.ndarray:
    """What Qt's SVG renderer makes of a file, uint8 [H, W, 3]."""
    renderer = QSvgRenderer(str(path))
    assert renderer.isValid()
    image = QImage(renderer.defaultSize(), QImage.Format.Format_RGB32)
    image.fill(0xFF00FF)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return pixels[:, : image.width(), 2::-1].copy()


def words(svg: str) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter(NS + "text")]


def test_a_renderer_shows_the_same_picture_as_the_png(qapp, tmp_path, make_trace):
    trace = make_trace(np.full((300, 500, 3), 200, np.uint8))
    export_svg(trace, tmp_path / "p.svg", (1, 3), layers=("screenshot", "overlay", "words"))
    drawn = rendered(tmp_path / "p.svg")
    expected = np.asarray(annotate(trace, (1, 3), Look(outlines=False, labels=0)))
    assert drawn.shape == expected.shape
    different = np.abs(drawn.astype(int) - expected).max(-1) > 3
    left, top = compose(trace, (1, 3), Look()).origin
    assert different[top + 1 : top + 299, left + 1 : left + 499].mean() < 0.005
    for rows in (slice(0, top), slice(top + 302, None)):  # letters differ a little between renderers
        ink, wanted = ((picture[rows] < 128).any(-1).mean() for picture in (drawn, expected))
        assert wanted / 1.5 < ink < wanted * 1.5


def test_text_is_text_and_every_region_is_an_outline_with_its_name(make_trace):
    trace = make_trace(np.full((400, 700, 3), 200, np.uint8))
    svg = to_svg(trace, (3, 4))
    assert trace.prompt in words(svg)
    assert "word15 word16 word17 word18." in words(svg)
    root = ElementTree.fromstring(svg)
    for region in trace.region_map.regions:
        (path,) = [e for e in root.iter(NS + "path") if e.get("id") == f"region-{region.id}"]
        assert path.find(NS + "title").text.startswith(f"{region.name}: ")
        assert path.find(NS + "title").text.endswith("nats, estimated")
    assert root.find(f".//{NS}image").get("href").startswith("data:image/png;base64,")


def test_layers_that_are_not_wanted_are_not_there(make_trace):
    trace = make_trace()
    bare = ElementTree.fromstring(to_svg(trace, layers=("outlines",)))
    assert list(bare.iter(NS + "text")) == []
    assert list(bare.iter(NS + "image")) == []
    fills = {p.get("fill-opacity") for p in bare.iter(NS + "path") if str(p.get("id")).startswith("region-")}
    assert fills == {"0"}


def test_what_the_model_wrote_stays_text(make_trace):
    trace = make_trace()
    bad = "<script>alert(1)</script>&amp;]]>\0\x0b\ufffe\ud800<![CDATA["
    trace.tokens[0] = replace(trace.tokens[0], text=bad)
    trace.prompt = '"/><script>alert(2)</script>'
    named = [replace(r, name="<a href='javascript:x'>") for r in trace.region_map.regions]
    trace.region_map = replace(trace.region_map, regions=tuple(named))
    root = ElementTree.fromstring(to_svg(trace, (0, 1)))
    tags = {element.tag.removeprefix(NS) for element in root.iter()}
    assert not tags & {"script", "a", "foreignObject"}
    assert any("<script>alert(1)</script>&amp;" in (text or "") for text in (e.text for e in root.iter()))
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]


def test_measured_effects_are_called_measured(make_trace):
    trace = make_trace(np.full((400, 700, 3), 200, np.uint8))
    svg = to_svg(trace, (0, 1), effects="measured")
    assert "measured effect on these words, in nats" in words(svg)
    assert "nats, estimated" not in svg
    with pytest.raises(InputError, match="Nothing was measured"):
        to_svg(trace, (1, 2), effects="measured")

"""The theme: readable in light and dark, switched at once."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit, QSpinBox, QWidget

from app.theme import DARK, LIGHT, READABLE, SEEN, Theme, contrast, palette, tokens


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), READABLE)
def test_every_text_colour_has_a_contrast_of_at_least_4_5(theme, ink, paper):
    assert contrast(getattr(theme, ink), getattr(theme, paper)) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("rim", "paper"), SEEN)
def test_every_rim_has_a_contrast_of_at_least_3(theme, rim, paper):
    assert contrast(getattr(theme, rim), getattr(theme, paper)) >= 3


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_an_empty_box_and_field_can_be_seen(qtbot, mode):
    theme = Theme(QApplication.instance(), mode)
    for kind in (QCheckBox, QLineEdit, QSpinBox):
        control = kind()
        qtbot.addWidget(control)
        control.resize(60, 24)
        control.show()
        image = control.grab().toImage()
        paper = theme.colours.window
        drawn = [
            contrast(image.pixelColor(x, y).name(), paper)
            for x in range(image.width())
            for y in range(image.height())
        ]
        assert max(drawn) >= 2.5  # a rim of a pixel is blended with what is beside it
    theme.set_mode("system")
    theme.deleteLater()


def test_contrast_follows_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the textbook grey


def test_a_palette_leads_back_to_its_theme():
    assert tokens(palette(LIGHT)) is LIGHT
    assert tokens(palette(DARK)) is DARK


def test_switching_the_mode_recolours_open_widgets_at_once(qtbot):
    app = QApplication.instance()
    widget = QWidget()
    qtbot.addWidget(widget)
    theme = Theme(app, "light")
    assert tokens(widget.palette()) is LIGHT
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("dark")
    qtbot.waitUntil(lambda: tokens(widget.palette()) is DARK, timeout=1000)
    theme.set_mode("system")
    theme.deleteLater()

"""Colours, spacing and style of the window, light and dark.

``tokens(self.palette())`` inside a widget gives the named colours of the theme that is on; a widget
repaints itself on ``QEvent.Type.PaletteChange``. Nothing else in the app names a colour of its own,
except the colour maps of the overlay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

Mode = Literal["system", "light", "dark"]
MODES: tuple[Mode, ...] = ("system", "light", "dark")

# Spacing in logical pixels.
TIGHT = 4
GAP = 8
WIDE = 12
RADIUS = 6


@dataclass(frozen=True, slots=True)
class Tokens:
    """Named colours of one theme, as "#rrggbb".

    Attributes:
        name: "light" or "dark".
        window: behind everything; surface: behind text and lists; raised: tool bar, prompt bar, headers.
        canvas: around the screenshot.
        border: lines between things (decorative; carries no meaning alone).
        text, muted: text and less important text, on window, surface and raised.
        accent, on_accent: the main button, selection and playhead; text upon it.
        hover, chosen: background of a thing under the mouse; of a chosen thing. ``text`` reads on both.
        thinking, answer: text or marks of the two phases.
        good, warning, error: text of a state, on window, surface and raised.
        info_bar, warning_bar, error_bar: backgrounds of the message bar. ``text`` reads on them.
        rim: around fields and boxes that take input, on window and surface.
    """

    name: str
    window: str
    surface: str
    raised: str
    canvas: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    hover: str
    chosen: str
    thinking: str
    answer: str
    good: str
    warning: str
    error: str
    info_bar: str
    warning_bar: str
    error_bar: str
    rim: str


LIGHT = Tokens(
    name="light",
    window="#eef0f3",
    surface="#ffffff",
    raised="#f7f8fa",
    canvas="#d9dde3",
    border="#cbd0d8",
    text="#1a1e26",
    muted="#555d6b",
    accent="#1d5fc4",
    on_accent="#ffffff",
    hover="#e6ecf6",
    chosen="#d3e2fa",
    thinking="#5a4a9c",
    answer="#0f6b50",
    good="#12683d",
    warning="#8a4b00",
    error="#b3261e",
    info_bar="#dfeafc",
    warning_bar="#fdeccb",
    error_bar="#fbdedb",
    rim="#7f8694",
)

DARK = Tokens(
    name="dark",
    window="#15171b",
    surface="#1b1e24",
    raised="#23272f",
    canvas="#0f1114",
    border="#3a404b",
    text="#e7e9ed",
    muted="#a4abb8",
    accent="#7db1ff",
    on_accent="#0a1424",
    hover="#2a303a",
    chosen="#23406b",
    thinking="#b9a9f5",
    answer="#6fd3ae",
    good="#74d39b",
    warning="#f0b45c",
    error="#ff9b93",
    info_bar="#1d3352",
    warning_bar="#4a3510",
    error_bar="#55211e",
    rim="#7a8292",
)

READABLE: tuple[tuple[str, str], ...] = (
    *((ink, paper) for ink in ("text", "muted", "accent", "thinking", "answer", "good", "warning", "error")
      for paper in ("window", "surface", "raised")),
    *(("text", paper) for paper in ("hover", "chosen", "info_bar", "warning_bar", "error_bar", "canvas")),
    ("on_accent", "accent"),
)  # fmt: skip
"""Pairs (text colour, background) that must have a contrast of at least 4.5."""


SEEN: tuple[tuple[str, str], ...] = (("rim", "window"), ("rim", "surface"))
"""Pairs (rim of a control, background) that must have a contrast of at least 3 (WCAG 2.2, 1.4.11)."""

_RIMMED = ("QLineEdit", "QAbstractSpinBox", "QComboBox", "QCheckBox")
_FUSION = 140
"""Fusion draws rims in the colour of the window, so many per cent darker: invisible on a dark one."""


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    weights = (0.2126, 0.7152, 0.0722)
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip(weights, linear, strict=True))


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two "#rrggbb" colours, 1 to 21 (WCAG 2.2)."""
    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


_SEEN: dict[int, Tokens] = {}
_MOST_SEEN = 64
"""Palettes whose theme is remembered, by their key."""


def tokens(source: QPalette | str) -> Tokens:
    """The colours of a theme: by name ("light", "dark"), or of the theme that a palette belongs to."""
    if isinstance(source, str):
        return DARK if source == "dark" else LIGHT
    key = source.cacheKey()  # every widget asks at every painting, and a colour is dear
    if key not in _SEEN:
        if len(_SEEN) == _MOST_SEEN:
            _SEEN.clear()
        dark = source.color(QPalette.ColorRole.Window).lightnessF() < 0.5
        _SEEN[key] = DARK if dark else LIGHT
    return _SEEN[key]


def run_style(colours: Tokens, widget: str) -> str:
    """The style sheet of the one button that stands out, a ``widget`` such as "QToolButton"."""
    return (
        f"{widget} {{ background: {colours.accent}; color: {colours.on_accent}; border: 1px solid "
        f"{colours.accent}; border-radius: {RADIUS}px; padding: {TIGHT}px {WIDE}px; font-weight: 600; }}"
        f"{widget}:disabled {{ background: {colours.raised}; color: {colours.muted}; "
        f"border-color: {colours.border}; }}"
        f"{widget}:focus {{ border-color: {colours.text}; }}"
    )


def palette(colours: Tokens) -> QPalette:
    """A Qt palette made of theme colours."""
    role = QPalette.ColorRole
    result = QPalette()
    for target, colour in {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.surface,
        role.AlternateBase: colours.raised,
        role.Text: colours.text,
        role.PlaceholderText: colours.muted,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.BrightText: colours.error,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Accent: colours.accent,
        role.Link: colours.accent,
        role.LinkVisited: colours.thinking,
        role.Light: colours.border,
        role.Midlight: colours.border,
        role.Mid: colours.border,
        role.Dark: colours.border,
        role.Shadow: colours.canvas,
    }.items():
        result.setColor(target, QColor(colour))
    faded = QColor(colours.muted)
    for target in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, target, faded)
    result.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(colours.border))
    result.setColor(QPalette.ColorGroup.Disabled, role.HighlightedText, QColor(colours.text))
    return result


class Theme(QObject):
    """Keeps the application in the chosen theme.

    Attributes:
        mode: "system", "light" or "dark".

    Signals:
        changed: other colours are on; palettes are already set.
    """

    changed = Signal()

    def __init__(self, app: QApplication, mode: Mode = "system") -> None:
        super().__init__(app)
        self._app = app
        self.mode: Mode = mode
        app.setStyle("Fusion")
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)
        self.set_mode(mode)

    def set_mode(self, mode: Mode) -> None:
        """Switch at once; "system" follows the desktop."""
        self.mode = mode
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        QGuiApplication.styleHints().setColorScheme(schemes.get(mode, Qt.ColorScheme.Unknown))
        self._apply()

    @property
    def colours(self) -> Tokens:
        """The colours that are on."""
        if self.mode != "system":
            return tokens(self.mode)
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return tokens("dark" if dark else "light")

    @Slot()
    def _system_changed(self) -> None:
        self._apply()

    def _apply(self) -> None:
        chosen = palette(self.colours)
        self._app.setPalette(chosen)
        rimmed = QPalette(chosen)
        rimmed.setColor(QPalette.ColorRole.Window, QColor(self.colours.rim).lighter(_FUSION))
        for kind in _RIMMED:
            self._app.setPalette(rimmed, kind)  # type: ignore[arg-type]  # its stubs say bytes, which it refuses
        self.changed.emit()

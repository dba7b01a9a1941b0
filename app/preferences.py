"""What the person prefers: kept in the settings, applied at once."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.environment import runs_folder
from app.session import Display, Session
from app.settings import settings
from app.views import VIEWS
from core.colour_maps import COLOUR_MAPS

SMALLEST, LARGEST = 7, 24
"""Font sizes that can be chosen, in points."""


def font_size() -> int:
    """The chosen size of the font in points; 0 for that of the system."""
    size = _whole("font_size", 0)
    return size if SMALLEST <= size <= LARGEST else 0


def set_font_size(app: QApplication, points: int) -> None:
    """Show every text in another size; 0 for that of the system."""
    settings().setValue("font_size", points)
    apply_font(app)


def apply_font(app: QApplication) -> None:
    """Give the application the chosen font size."""
    system = app.property("system_font_size")
    if system is None:
        system = app.font().pointSizeF()
        app.setProperty("system_font_size", system)
    font = app.font()
    font.setPointSizeF(float(font_size() or system))
    app.setFont(font)


def follow_live() -> bool:
    """Whether the playhead keeps to the newest token when a run starts."""
    return _yes("follow_live", True)


def set_follow_live(on: bool) -> None:
    settings().setValue("follow_live", on)


def traces_folder() -> Path:
    """Where the trace of every run is kept."""
    chosen = str(settings().value("traces_folder", "") or "")
    return Path(chosen) if chosen else runs_folder()


def set_traces_folder(folder: Path | None) -> None:
    """Keep traces elsewhere from now on; None for the usual place."""
    settings().setValue("traces_folder", "" if folder is None else str(folder))


def keep_display(display: Display) -> None:
    """Remember how the overlay is drawn."""
    remembered = settings()
    remembered.setValue("display/opacity", round(display.opacity, 3))
    remembered.setValue("display/signed", display.signed)
    remembered.setValue("display/fixed_scale", display.fixed_scale)
    remembered.setValue("display/arcs", display.arcs)
    remembered.setValue("display/outlines", display.outlines)
    remembered.setValue("display/colour_map", display.colour_map)
    remembered.setValue("display/view", display.view)


def restore_display(session: Session) -> None:
    """Draw the overlay as it was drawn last time.

    Only how many regions are shown starts anew: a hidden effect must not surprise anyone.
    """
    usual = Display()
    view = str(settings().value("display/view", usual.view))
    colours = str(settings().value("display/colour_map", usual.colour_map))
    try:
        opacity = float(str(settings().value("display/opacity", usual.opacity)))
    except ValueError:
        opacity = usual.opacity
    session.set_display(
        opacity=opacity if 0 <= opacity <= 1 else usual.opacity,
        signed=_yes("display/signed", usual.signed),
        fixed_scale=_yes("display/fixed_scale", usual.fixed_scale),
        arcs=_yes("display/arcs", usual.arcs),
        outlines=_yes("display/outlines", usual.outlines),
        colour_map=colours if colours in COLOUR_MAPS else usual.colour_map,
        view=view if view in {known.id for known in VIEWS} else usual.view,
    )


def _yes(name: str, usual: bool) -> bool:
    """A settings file holds text: "true" and "false"."""
    return str(settings().value(name, usual)).lower() == "true"


def _whole(name: str, usual: int) -> int:
    try:
        return int(str(settings().value(name, usual)))
    except ValueError:
        return usual

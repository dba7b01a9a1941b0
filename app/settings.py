"""The one place that knows where the window keeps what it remembers."""

from __future__ import annotations

from PySide6.QtCore import QSettings


def settings() -> QSettings:
    """What the window remembers: geometry, theme, recent files. A text file on every system."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "sightline", "sightline")

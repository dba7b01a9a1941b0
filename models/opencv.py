"""OpenCV without its Qt: the one place that imports cv2.

opencv-python sets ``QT_QPA_PLATFORM_PLUGIN_PATH`` and ``QT_QPA_FONTDIR`` to its bundled Qt when it is
imported, which can break PySide6's plugins. Whoever needs cv2 takes it from here.
"""

from __future__ import annotations

import os
from types import ModuleType

_QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


def load() -> ModuleType:
    """The cv2 module, imported on first use; the Qt variables stay as the user set them."""
    before = {name: os.environ.get(name) for name in _QT_VARIABLES}
    import cv2

    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return cv2

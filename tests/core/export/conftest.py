"""Some exports are opened by Qt's SVG renderer, which needs no screen."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

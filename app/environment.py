"""What the system around the app must offer: a display, Qt's libraries, folders for the user's data."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

_DEBIAN_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""System libraries that Qt's window plugin needs, and the Debian packages that hold them."""


def runs_folder() -> Path:
    """Where the trace of every run is kept, unless the person chose another place."""
    return data_folder() / "runs"


def data_folder() -> Path:
    """Where Sightline keeps files of its own; ``SIGHTLINE_DATA`` puts it elsewhere."""
    import platformdirs

    return Path(os.environ.get("SIGHTLINE_DATA") or platformdirs.user_data_dir("sightline", appauthor=False))


def estimators_folder() -> Path:
    """Where estimators that were fitted on this machine are looked for: one folder each."""
    return runs_folder().parent / "estimators"


def prepare_qt() -> None:
    """Make ready for importing Qt. To be called first."""
    if sys.platform == "win32":
        # torch >= 2.9 can fail to find its libraries when Qt was loaded first (spaCy#13894).
        import torch  # noqa: F401


def display_problem(environ: Mapping[str, str] | None = None) -> str | None:
    """Why no window can be opened here, in one sentence; None when one can.

    Qt aborts the whole process when it cannot open a display, so this asks before it is tried.
    """
    environ = os.environ if environ is None else environ
    if not sys.platform.startswith("linux"):
        return None
    chosen = environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if chosen and chosen not in ("xcb", "wayland"):
        return None
    x11, wayland = bool(environ.get("DISPLAY")), bool(environ.get("WAYLAND_DISPLAY"))
    if not x11 and not wayland:
        return "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)."
    missing = missing_packages()
    if missing:
        return f"No window can be opened because system packages are missing: sudo apt install {missing}"
    if x11 and not wayland and not _x11_answers(environ["DISPLAY"]):
        return f"The display {environ['DISPLAY']} does not answer."
    return None


def missing_packages() -> str:
    """Debian packages of libraries that Qt's window plugin needs and this system lacks, space separated."""
    missing = {package for library, package in _DEBIAN_PACKAGES.items() if not _loads(library)}
    return " ".join(sorted(missing))


def missing_library(error: BaseException) -> str | None:
    """What to install when an import failed for want of a system library; None for any other error."""
    found = re.search(r"(lib\S+\.so[.\d]*): cannot open shared object file", str(error))
    if found is None:
        return None
    package = _DEBIAN_PACKAGES.get(found[1])
    remedy = f"; on Debian or Ubuntu: sudo apt install {package}" if package else ""
    return f"The system library {found[1]} is missing{remedy}."


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _x11_answers(display: str) -> bool:
    """Whether an X server accepts a connection."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    refused = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not refused

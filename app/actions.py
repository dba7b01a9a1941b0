"""Every action once: its text, tip, keys, menu and icon.

Menus, tool bar, shortcuts, the shortcuts sheet and the command palette are built from ``ACTIONS``. What an
action does is connected by id in ``app/window.py``; ``app/keys.py`` knows keys that the person changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QTreeView,
    QWidget,
)

from app.playback import SPEEDS

MENUS = ("File", "Edit", "Run", "Playback", "Find", "View", "Help")


LEAST_SIZES = {
    "any": (0.0, "Any Size"),
    "half": (0.5, "At Least ½ Visual Token"),
    "one": (1.0, "At Least 1 Visual Token"),
    "two": (2.0, "At Least 2 Visual Tokens"),
    "four": (4.0, "At Least 4 Visual Tokens"),
}
"""How small a region may be, in visual tokens; a model cannot tell what fills less than half of one."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can ask for.

    Attributes:
        id: how the code calls it.
        text: as in the menu; ends in "…" when it asks something first.
        tip: what it does, one line.
        place: "Menu/group"; a line is drawn between the groups of a menu.
        keys: default shortcuts, the first one is shown in the menu.
        icon: file name in resources/icons without ".svg", or "".
        tool_bar: also a button in the tool bar.
        checkable: on or off.
        submenu: title of a menu within the menu, or "" for the menu itself.
        exclusive: of the checkable actions of its group, exactly one is on.
    """

    id: str
    text: str
    tip: str
    place: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tool_bar: bool = False
    checkable: bool = False
    exclusive: bool = False
    submenu: str = ""

    @property
    def menu(self) -> str:
        return self.place.split("/")[0]


# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action("open", "Open…", "Open a screenshot or a .sightline trace",
           "File/in", ("Ctrl+O",), "open", tool_bar=True),
    Action("paste", "Paste Screenshot", "Use the image or file on the clipboard",
           "File/in", ("Ctrl+V",), "paste", tool_bar=True),
    Action("capture", "Capture Screen…", "Take a screenshot of an area, or of the whole screen",
           "File/in", ("Ctrl+Shift+S",)),
    Action("capture_window", "Capture Window…", "Take a screenshot of one window of any program",
           "File/in", ("Ctrl+Shift+W",)),
    Action("export", "Export…", "Save pictures, films, a page or data of this run",
           "File/out", ("Ctrl+Shift+E",), "export", tool_bar=True),
    Action("copy_picture", "Copy Picture", "Copy the annotated screenshot",
           "File/out", ("Ctrl+Shift+C",), "copy", tool_bar=True),
    Action("library", "Library…", "Every run that was kept: search, notes, open, compare",
           "File/folder", ("Ctrl+B",)),
    Action("show_folder", "Show Saved Runs", "Open the folder that keeps every run", "File/folder"),
    Action("preferences", "Preferences…", "Theme, colours, font size, and where runs are kept",
           "File/preferences", ("Ctrl+,",)),
    Action("quit", "Quit", "Close Sightline; a run in progress is kept", "File/end", ("Ctrl+Q",)),

    Action("undo", "Undo", "Bring back the regions of before the last change",
           "Edit/undo", ("Ctrl+Z",), "undo"),
    Action("redo", "Redo", "Make the change again that was undone last",
           "Edit/undo", ("Ctrl+Shift+Z",), "redo"),
    Action("edit_regions", "Edit Regions", "Tools to add, cut, merge and delete regions by hand",
           "Edit/mode", ("Ctrl+R",), "edit-regions", tool_bar=True, checkable=True),
    Action("tool_select", "Choose Regions", "Click a region to choose it, Ctrl+click for more",
           "Edit/tool", ("V",), "tool-select", checkable=True, exclusive=True),
    Action("tool_point", "Add at a Point", "Click what should be a region; SAM finds its outline",
           "Edit/tool", ("A",), "tool-point", checkable=True, exclusive=True),
    Action("tool_box", "Add in a Box", "Drag a box; SAM finds what is in it. With Shift: the rectangle",
           "Edit/tool", ("X",), "tool-box", checkable=True, exclusive=True),
    Action("tool_brush", "Brush", "Paint to add to the chosen region; with Shift, to take from it",
           "Edit/tool", ("B",), "tool-brush", checkable=True, exclusive=True),
    Action("tool_cut", "Cut in Two", "Draw a line through a region, or click what SAM is to cut out of it",
           "Edit/tool", ("C",), "tool-cut", checkable=True, exclusive=True),
    Action("brush_smaller", "Smaller Brush", "Paint finer", "Edit/brush", ("[",)),
    Action("brush_larger", "Larger Brush", "Paint broader", "Edit/brush", ("]",)),
    Action("merge_regions", "Merge Regions", "Make one region of the chosen ones", "Edit/regions", ("M",),
           "merge"),
    Action("delete_regions", "Delete Regions", "Give the chosen regions to what is around them",
           "Edit/regions", ("Del",), "delete"),
    Action("rename_region", "Rename Region…", "Give the chosen region another name",
           "Edit/regions", ("F2",), "rename"),
    *(Action(f"granularity_{word}", f"{word.title()} Regions", tip, "Edit/granularity", checkable=True,
             exclusive=True, submenu="Granularity")
      for word, tip in (("coarse", "Windows alone: what lies in them is theirs"),
                        ("medium", "Windows and what lies in them, but nothing deeper"),
                        ("fine", "Every region that was found"))),
    *(Action(f"least_{name}", text, "Give regions to what holds them if they fill less of the model's image",
             "Edit/least", checkable=True, exclusive=True, submenu="Least Size")
      for name, (_, text) in LEAST_SIZES.items()),
    Action("reattribute", "Estimate Effects Again", "Estimate the effects of regions that were changed",
           "Edit/effects", ("Ctrl+Shift+R",)),

    Action("run", "Run", "Let the model reason about the screenshot",
           "Run/run", ("Ctrl+Return", "Ctrl+Enter"), "run"),
    Action("pause", "Pause", "Hold the model after the current token, or let it go on",
           "Run/run", ("Ctrl+P",), "pause", checkable=True),
    Action("stop", "Stop", "End the run; what exists is kept", "Run/run", ("Esc",), "stop"),
    Action("what_if", "Run Again without This Region", "Hide the chosen region, ask again, show what changes",
           "Run/again", ("Ctrl+H",)),
    Action("side_by_side", "Compare with Another Run…", "Show another trace beside the open one",
           "Run/again", ("Ctrl+Shift+K",)),
    Action("batch", "Run a Folder…", "Ask one question about every screenshot in a folder",
           "Run/batch", ("Ctrl+Shift+B",)),
    Action("choose_model", "Choose Model…", "What fits on this machine, how fast, and where it comes from",
           "Run/model", ("Ctrl+Shift+D",)),
    Action("calibrate", "Calibrate This Model…", "Learn from your own screenshots what its attention means",
           "Run/model"),
    Action("choose_segmenter", "Find Regions with…", "OpenCV, a checkpoint of SAM, or a grid",
           "Run/model", ("Ctrl+Shift+F",)),
    Action("ask", "Edit Question", "Go to the question field", "Run/ask", ("Ctrl+L",)),
    Action("measure_step", "Measure Step", "Remove each region and ask the model again: measured effects",
           "Run/measure", ("Ctrl+M",)),
    Action("measure_all", "Measure All Steps", "Measure every step of the reasoning", "Run/measure",
           ("Ctrl+Shift+M",)),

    Action("play", "Play or Hold", "Play the reasoning from the playhead, or hold it",
           "Playback/play", ("Space",), "play"),
    Action("token_back", "Previous Token", "Move the playhead back one token", "Playback/token", ("Left",),
           "token-back"),
    Action("token_forward", "Next Token", "Move the playhead on one token", "Playback/token", ("Right",),
           "token-forward"),
    Action("step_back", "Previous Step", "Move the playhead to the step before",
           "Playback/step", ("Ctrl+Left",), "step-back"),
    Action("step_forward", "Next Step", "Move the playhead to the step after",
           "Playback/step", ("Ctrl+Right",), "step-forward"),
    Action("first", "First Token", "Move the playhead to the beginning", "Playback/ends", ("Home",), "first"),
    Action("last", "Last Token", "Move the playhead to the end", "Playback/ends", ("End",), "last"),
    Action("live", "Follow Live", "Keep the playhead at the newest token",
           "Playback/live", ("Alt+Right",), checkable=True),

    Action("loop", "Loop Selection", "Play the selected range, or the step, again and again",
           "Playback/loop", ("Ctrl+Shift+L",), "loop", checkable=True),
    *(Action(f"speed_{speed:g}", f"Speed {speed:g}×", f"Play {8 * speed:g} tokens a second",
             "Playback/speed", (str(number),), checkable=True, exclusive=True)
      for number, speed in enumerate(SPEEDS, 1)),

    Action("find", "Find in Reasoning…", "Look for words, or for steps of a kind",
           "Find/open", ("Ctrl+F",), "find"),
    Action("find_next", "Find Next", "Go to the next place found", "Find/go", ("F3",)),
    Action("find_previous", "Find Previous", "Go to the place found before", "Find/go", ("Shift+F3",)),
    Action("region_next", "Next Token on Region", "Go to the next token that rests on the chosen region",
           "Find/region", ("Ctrl+Down",)),
    Action("region_previous", "Previous Token on Region",
           "Go to the token before that rests on the chosen region", "Find/region", ("Ctrl+Up",)),

    Action("fit", "Fit Screenshot", "Show the whole screenshot",
           "View/zoom", ("Ctrl+0",), "fit", tool_bar=True),
    Action("zoom_in", "Zoom In", "Show the screenshot larger",
           "View/zoom", ("Ctrl++", "Ctrl+="), "zoom-in", tool_bar=True),
    Action("zoom_out", "Zoom Out", "Show the screenshot smaller",
           "View/zoom", ("Ctrl+-",), "zoom-out", tool_bar=True),
    Action("view_fill", "Fill Regions", "Colour every region by its effect",
           "View/style", ("Ctrl+1",), checkable=True, exclusive=True),
    Action("view_outline", "Outline Regions", "Colour the rims of regions and leave their content free",
           "View/style", ("Ctrl+2",), checkable=True, exclusive=True),
    Action("view_heat", "Heat Map", "Colour smoothly, across the borders of regions",
           "View/style", ("Ctrl+3",), checkable=True, exclusive=True),
    Action("view_spotlight", "Spotlight", "Dim what has no effect and colour nothing",
           "View/style", ("Ctrl+4",), checkable=True, exclusive=True),
    Action("outlines", "Region Outlines", "Draw the outlines of regions",
           "View/overlay", ("Ctrl+Shift+O",), "outlines", tool_bar=True, checkable=True),
    Action("signed", "Opposing Effects", "Also show regions that speak against a token",
           "View/overlay", ("Ctrl+Shift+N",), "signed", tool_bar=True, checkable=True),
    Action("arcs", "Arcs to Earlier Thoughts", "Which earlier steps the selection attended to",
           "View/overlay", ("Ctrl+Shift+A",), checkable=True),
    Action("fixed_scale", "One Scale for the Whole Run", "One colour means one effect, at every token",
           "View/overlay", checkable=True),
    Action("pin", "Compare with This Moment", "Keep this moment, and show how later ones differ from it",
           "View/overlay", ("Ctrl+Shift+T",), checkable=True),
    Action("strongest_0", "All Regions", "Show the effects of all regions",
           "View/strongest", checkable=True, exclusive=True, submenu="Strongest Regions"),
    Action("strongest_1", "The Strongest One", "Show the region with the strongest effect only",
           "View/strongest", checkable=True, exclusive=True, submenu="Strongest Regions"),
    Action("strongest_3", "The Strongest 3", "Show the three regions with the strongest effects only",
           "View/strongest", checkable=True, exclusive=True, submenu="Strongest Regions"),
    Action("strongest_5", "The Strongest 5", "Show the five regions with the strongest effects only",
           "View/strongest", checkable=True, exclusive=True, submenu="Strongest Regions"),
    Action("strongest_10", "The Strongest 10", "Show the ten regions with the strongest effects only",
           "View/strongest", checkable=True, exclusive=True, submenu="Strongest Regions"),
    Action("regions_tree", "Regions as a Tree", "List regions by what they lie in, not by their effect",
           "View/regions", ("Ctrl+Shift+H",), "tree", checkable=True),
    Action("path", "Path Through the Regions…", "A map of the steps: alike are near each other",
           "View/path", ("Ctrl+Shift+J",)),
    Action("theme_system", "Theme of the System", "Light or dark, as the desktop is",
           "View/theme", checkable=True, exclusive=True, submenu="Theme"),
    Action("theme_light", "Light Theme", "Dark text on light",
           "View/theme", checkable=True, exclusive=True, submenu="Theme"),
    Action("theme_dark", "Dark Theme", "Light text on dark",
           "View/theme", checkable=True, exclusive=True, submenu="Theme"),

    Action("palette", "Command Palette", "Find anything that can be done by a few letters of its name",
           "Help/help", ("Ctrl+Shift+P",)),
    Action("shortcuts", "Keyboard Shortcuts", "Every action and its keys; choose others",
           "Help/help", ("F1", "Ctrl+/")),
    Action("start_page", "Start Page", "What the overlay means, and the samples", "Help/help"),
    Action("about", "About Sightline", "What this is, and its version", "Help/help"),
)
# fmt: on


def clashes(actions: tuple[Action, ...] = ACTIONS) -> list[tuple[str, str, str]]:
    """Keys that two actions claim: (keys, first id, second id)."""
    owners: dict[str, str] = {}
    found = []
    for action in actions:
        for keys in action.keys:
            name = QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText)
            if name in owners:
                found.append((name, owners[name], action.id))
            owners[name] = action.id
    return found


def shown(keys: Iterable[str]) -> str:
    """Shortcuts as this system writes them, such as "Ctrl+O"; "" for none."""
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(QKeySequence(key).toString(native) for key in keys)


def build(parent: QWidget, handlers: Mapping[str, Callable[..., object]]) -> dict[str, QAction]:
    """A QAction for each entry of ``ACTIONS``, owned by ``parent`` and connected to ``handlers[id]``.

    Checkable actions pass whether they are on; ``app.keys.apply`` gives them their keys. Raises KeyError when
    an action has no handler.
    """
    built: dict[str, QAction] = {}
    groups: dict[str, QActionGroup] = {}
    for action in ACTIONS:
        made = QAction(action.text, parent)
        made.setObjectName(action.id)
        made.setStatusTip(action.tip)
        made.setCheckable(action.checkable)
        made.setMenuRole(QAction.MenuRole.NoRole)
        if action.exclusive:
            if action.place not in groups:
                groups[action.place] = QActionGroup(parent)
            groups[action.place].addAction(made)
        handler = handlers[action.id]
        if action.checkable:
            made.triggered.connect(handler)
        else:
            made.triggered.connect(lambda _checked=False, call=handler: call())
        parent.addAction(made)
        built[action.id] = made
    return built


_BARE_KEYS = {Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End}


def widget_wants(widget: QWidget | None, event: QKeyEvent) -> bool:
    """Whether the widget with the keyboard needs this key itself, so that no shortcut may take it.

    Text fields claim their keys through Qt. Buttons, sliders and choices do not, and Space or an arrow
    would start the playback instead of pressing or moving what is focused.
    """
    plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
    if widget is None or not plain or not (event.key() in _BARE_KEYS or event.text().isdigit()):
        return False
    if isinstance(widget, QAbstractButton):
        return event.key() == Qt.Key.Key_Space
    if event.text().isdigit():
        return isinstance(widget, QComboBox)  # chooses by typing
    if isinstance(widget, QTreeView):
        return event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)  # close and open
    return isinstance(widget, QAbstractSlider | QComboBox | QAbstractSpinBox)

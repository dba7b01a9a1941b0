"""Editing regions by hand: the bar above the screenshot, the tools, and the actions that belong to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QInputDialog, QLineEdit, QWidget

from app.actions import LEAST_SIZES
from app.canvas import Canvas
from app.canvas_tool import CanvasTool
from app.edit_bar import EditBar
from app.edit_tools import Bench, BoxTool, BrushTool, CutTool, PointTool
from app.mask_chooser import MaskChooser
from app.region_editor import RegionEditor
from app.session import Session
from core.granularity import DEPTHS
from core.regions import BACKGROUND

SELECT = "select"
TOOLS = (SELECT, "point", "box", "brush", "cut")


def handlers(editor: RegionEditor, mode: Callable[[], EditMode]) -> dict[str, Callable[..., object]]:
    """What the actions of editing do, by id; ``mode`` is asked when they are done."""
    return {
        "undo": editor.undo,
        "redo": editor.redo,
        "edit_regions": lambda on: mode().switch(on),
        **{f"tool_{name}": lambda _on, name=name: mode().take(name) for name in TOOLS},
        "merge_regions": editor.merge,
        "delete_regions": editor.delete,
        "rename_region": lambda: mode().rename(),
        "brush_smaller": lambda: mode().resize_brush(-1),
        "brush_larger": lambda: mode().resize_brush(1),
        **{f"granularity_{word}": lambda _on, word=word: editor.coarsen(granularity=word) for word in DEPTHS},
        **{
            f"least_{name}": lambda _on, tokens=tokens: editor.coarsen(least=tokens)
            for name, (tokens, _) in LEAST_SIZES.items()
        },
        "reattribute": editor.reattributor.begin,
    }


class EditMode(QObject):
    """Shows what can be done and gives the canvas its tool.

    Attributes:
        bar: above the screenshot, while regions are edited.
        chooser: the sizes that SAM offers.
        tool: id of the tool in use, ``SELECT`` for choosing and panning.

    Signals:
        begun: the canvas is needed.
    """

    begun = Signal()

    def __init__(
        self,
        canvas: Canvas,
        session: Session,
        editor: RegionEditor,
        actions: Mapping[str, QAction],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._window, self._canvas, self._session, self._editor = parent, canvas, session, editor
        self._actions = actions
        self.chooser = MaskChooser(canvas.view)
        bench = Bench(canvas.view, session, editor, self.chooser)
        self._brush = BrushTool(bench)
        made = (None, PointTool(bench), BoxTool(bench), self._brush, CutTool(bench))
        self._tools: dict[str, CanvasTool | None] = dict(zip(TOOLS, made, strict=True))
        self.tool = SELECT
        self.bar = EditBar(actions, canvas)
        self.bar.hide()
        canvas.set_top(self.bar)
        canvas.view.tool_left.connect(self._leave_tool)
        editor.replaced.connect(self._give_up)
        editor.changed.connect(self.reflect)
        session.region_selected.connect(self.reflect)
        self.reflect()

    def switch(self, on: bool) -> None:
        """Begin or end editing."""
        self.bar.setVisible(on)
        if on:
            self.begun.emit()
        else:
            self._use(SELECT)
        self.reflect()

    def take(self, name: str) -> None:
        """Take a tool in hand."""
        self.bar.show()
        self.begun.emit()
        self._use(name)
        self._canvas.view.setFocus()
        self.reflect()

    def resize_brush(self, step: int) -> None:
        """A larger brush (1), or a smaller one (-1)."""
        self._brush.resize(step)
        self._canvas.view.viewport().update()
        self.reflect()

    def rename(self) -> None:
        """Ask for another name of the chosen region."""
        regions, region = self._editor.regions, self._session.selected
        if regions is None or not BACKGROUND < region < len(regions):
            self._editor.said.emit("Choose a region to rename: click it.", "info")
            return
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Rename Region")
        dialog.setLabelText("Name of the region")
        dialog.setTextEchoMode(QLineEdit.EchoMode.Normal)
        dialog.setTextValue(regions.regions[region].name)
        target = self._editor.targets([region])
        dialog.textValueSelected.connect(lambda name: self._editor.rename(target, name))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot()
    def reflect(self) -> None:
        """Enable and name the actions as things stand."""
        actions, editor, session = self._actions, self._editor, self._session
        possible, chosen = editor.possible, len(session.chosen)
        for name, text in (("undo", editor.history.undo_text), ("redo", editor.history.redo_text)):
            actions[name].setText(f"{name.title()} {text}".strip().replace("&", "&&"))
            actions[name].setEnabled(possible and bool(text))
        actions["edit_regions"].setChecked(not self.bar.isHidden())
        actions["edit_regions"].setEnabled(possible or not self.bar.isHidden())
        for name in self._tools:
            actions[f"tool_{name}"].setEnabled(possible)
        actions[f"tool_{self.tool}"].setChecked(True)
        state = editor.state
        granularity, least = (state.granularity, state.least) if state else ("fine", 0.0)
        for word in DEPTHS:
            actions[f"granularity_{word}"].setEnabled(possible)
            actions[f"granularity_{word}"].setChecked(word == granularity)
        for name, (tokens, _) in LEAST_SIZES.items():
            actions[f"least_{name}"].setEnabled(possible)
            actions[f"least_{name}"].setChecked(tokens == least)
        self.bar.set_detail(granularity, next(text for size, text in LEAST_SIZES.values() if size == least))
        actions["merge_regions"].setEnabled(possible and chosen > 1)
        actions["delete_regions"].setEnabled(possible and chosen > 0 and session.selected > BACKGROUND)
        actions["rename_region"].setEnabled(possible and session.selected > BACKGROUND)
        actions["reattribute"].setEnabled(possible and editor.reattributor.missing)
        self.bar.set_state(
            self.tool,
            self._brush.radius,
            "Asking SAM…" if editor.prompts.busy else "",
            waiting=editor.reattributor.busy,
            missing=editor.reattributor.missing,
        )

    def _use(self, name: str) -> None:
        self.tool = name
        self._canvas.view.set_tool(self._tools[name])

    @Slot()
    def _give_up(self) -> None:
        """Take back what was begun with a tool."""
        tool = self._tools[self.tool]
        if tool is not None and tool.cancel():
            self._canvas.view.viewport().update()

    @Slot()
    def _leave_tool(self) -> None:
        self._use(SELECT)
        self.reflect()

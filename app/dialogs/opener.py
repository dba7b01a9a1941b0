"""Opens the dialogs of the window, and brings back what is chosen in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QWidget

from app.controller import Controller
from app.dialogs.about import AboutDialog
from app.dialogs.batch import BatchDialog
from app.dialogs.calibrate import CalibrateDialog
from app.dialogs.export_dialog import ExportDialog
from app.dialogs.model_chooser import ModelChooser
from app.dialogs.preferences import PreferencesDialog
from app.dialogs.segmenter_chooser import SegmenterChooser
from app.dialogs.shortcuts import ShortcutsSheet
from app.environment import data_folder
from app.library import Library
from app.path_map import PathDialog
from app.prompt_bar import PromptBar
from app.settings import settings
from app.side_by_side import SideBySide
from core.trace import Trace

_OTHER = "other"


class DialogOpener(QObject):
    """Opens dialogs beside the window; none of them holds it up.

    Attributes:
        export_dialog: the one that is open, or None.

    Signals:
        chosen(str): a file to open.
        beside_changed: another run is shown beside the open one, or none is any longer.
    """

    chosen = Signal(str)
    beside_changed = Signal()

    def __init__(
        self,
        controller: Controller,
        actions: Mapping[str, QAction],
        prompt: PromptBar,
        set_theme: Callable[[str], None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._controller = controller
        self._actions = actions
        self._prompt = prompt
        self._set_theme = set_theme
        self._window = window
        self.export_dialog: ExportDialog | None = None
        self._batch: BatchDialog | None = None
        self._calibration: CalibrateDialog | None = None

    def export(self) -> None:
        """Save pictures, films, a page or data of the shown trace."""
        if self.export_dialog is None:
            self.export_dialog = ExportDialog(self._controller, self._window)
            self.export_dialog.destroyed.connect(self._export_closed)
        self.export_dialog.show()
        self.export_dialog.activateWindow()

    def library(self) -> None:
        """Every run that was kept."""
        library = Library(self._controller.runs, self._window)
        library.chosen.connect(self.chosen)
        library.notes_kept.connect(self._notes_kept)
        library.compared.connect(self.compare_with)
        if self._controller.trace_path is not None:
            library.choose(self._controller.trace_path)
        library.show()

    def batch(self) -> None:
        """One question about every screenshot of a folder."""
        if self._batch is None:
            self._batch = BatchDialog(
                self._controller,
                self._actions,
                self._prompt.question(),
                self._prompt.sampling(),
                self._window,
            )
            self._batch.chosen.connect(self.chosen)
        self._batch.sampling = self._prompt.sampling()
        self._batch.show()
        self._batch.activateWindow()

    def calibrate(self) -> None:
        """Fit an estimator for the model in use."""
        if self._calibration is None:
            self._calibration = CalibrateDialog(self._controller, self._window)
        self._calibration.show()
        self._calibration.activateWindow()

    def models(self) -> None:
        """Which models fit on this machine."""
        scene = self._controller.scene
        size = None if scene is None else (scene.screenshot.width, scene.screenshot.height)
        for open_already in self._window.findChildren(ModelChooser):
            open_already.close()
        dialog = ModelChooser(size, self._window)
        dialog.chosen.connect(self._controller.use_model)
        dialog.show()

    def segmenters(self) -> None:
        """What can find regions; the one chosen does at once."""
        controller = self._controller
        for open_already in self._window.findChildren(SegmenterChooser):
            open_already.close()
        dialog = SegmenterChooser(
            controller.segmenters, controller.segmenter_name, data_folder() / "checkpoints", self._window
        )
        dialog.chosen.connect(self._prompt.set_segmenter)
        dialog.show()

    def preferences(self) -> None:
        """What applies to every run; counts at once."""
        mode = str(settings().value("theme", "system"))
        dialog = PreferencesDialog(self._controller.session, mode, self._set_theme, self._window)
        dialog.traces_moved.connect(self._traces_moved)
        dialog.show()

    def path(self) -> None:
        """The map of the run."""
        PathDialog(self._controller.session, self._window).show()

    def shortcuts(self) -> None:
        """Every action and its keys."""
        ShortcutsSheet(self._actions, self._window).show()

    def about(self) -> None:
        """What this is."""
        AboutDialog(self._window).show()

    def ask_other_run(self) -> None:
        """Let the person choose a trace to show beside the open one."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Compare with", str(self._controller.runs), "Traces (*.sightline)"
        )
        if name:
            self.compare_with(name)

    @Slot(str)
    def compare_with(self, path: str) -> None:
        """Show another trace beside the open one."""
        from core.store import read_trace

        trace = self._controller.session.trace
        if trace is None:
            self._controller.said.emit(
                "Open a run first; then another one can be shown beside it.", "warning"
            )
            return
        self._controller.background.run(
            f"Opening {Path(path).name}",
            lambda _progress: read_trace(Path(path)),
            lambda other: self.beside(trace, other, path),
        )

    def beside(self, first: Trace, second: object, other: str) -> None:
        """Show two traces beside each other; ``other`` is the file of the one that is not open, or ""."""
        assert isinstance(second, Trace)
        dialog = SideBySide(first, second, self._controller.session.display, self._window)
        dialog.setProperty(_OTHER, other)
        dialog.finished.connect(self._beside_closed)
        dialog.show()
        self.beside_changed.emit()

    @property
    def beside_path(self) -> str:
        """The file of the run that is shown beside the open one, the latest of several; "" for none."""
        shown = [dialog for dialog in self._window.findChildren(SideBySide) if dialog.isVisible()]
        return str(shown[-1].property(_OTHER)) if shown else ""

    @Slot()
    def _beside_closed(self) -> None:
        self.beside_changed.emit()

    @Slot()
    def _export_closed(self) -> None:
        self.export_dialog = None

    @Slot(str, str)
    def _notes_kept(self, path: str, text: str) -> None:
        trace = self._controller.session.trace
        if trace is not None and self._controller.trace_path == Path(path):
            trace.notes = text

    @Slot(str)
    def _traces_moved(self, folder: str) -> None:
        self._controller.runs = Path(folder)

"""The main window: puts the panes together and connects the actions. It owns no logic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QUrl, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import (
    display_actions,
    edit_mode,
    exporting,
    keys,
    preferences,
    screen_capture,
    thumbnails,
    window_capture,
)
from app.actions import ACTIONS, build, widget_wants
from app.canvas import Canvas
from app.commands import commands
from app.controller import Controller
from app.dialogs.opener import DialogOpener
from app.engine import EngineLike
from app.environment import data_folder
from app.icons import icon
from app.intake import Intake
from app.last_session import LastSession, Whereabouts, left_behind
from app.menus import FileMenus, fill, view_menu
from app.message_bar import MessageBar
from app.model_offer import ModelOffer
from app.palette import Palette
from app.panes import Panes
from app.playback import SPEEDS
from app.prompt_bar import PromptBar
from app.reasoning import Reasoning
from app.recording import make_folder
from app.regions_panel import RegionsPanel
from app.run_state import RunState
from app.samples import GENERATED_ONLY, Sample, questions, samples
from app.settings import settings
from app.start_page import StartPage
from app.status_bar import StatusBar
from app.theme import MODES, Theme
from app.timeline import Timeline
from core.errors import InputError
from core.trace import Trace

UNCALIBRATED_MODEL = (
    "This model is not calibrated: regions show where it attends, not what that does. Calibrate it on your "
    "own screenshots to see effects."
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: the traces of runs, and the samples."""

    runs: Path
    samples: tuple[Sample, ...]


class Window(QMainWindow):
    """The window of Sightline.

    Attributes:
        controller: does what is asked for.
        actions_by_id: every action of ``app.actions.ACTIONS``.
        canvas, reasoning, timeline, regions, prompt, message, status, files: its parts.
        intake: ways in for screenshots and traces.
        dialogs: opens the dialogs.
    """

    def __init__(self, engine: EngineLike, theme: Theme, places: Places) -> None:
        super().__init__()
        self._theme = theme
        self._places = places
        self._settings = settings()
        self.controller = Controller(engine, places.runs, self)
        self._opened: Path | None = None
        self._before: tuple[Trace, str] | None = None
        preferences.restore_display(self.controller.session)
        session = self.controller.session
        self.actions_by_id = build(self, self._handlers())
        keys.apply(self.actions_by_id)
        self.actions_by_id["capture"].setVisible(screen_capture.possible())
        self.actions_by_id["capture_window"].setVisible(window_capture.possible())
        self.canvas = Canvas(session, self)
        self.reasoning = Reasoning(session, self)
        self.timeline = Timeline(session, self)
        self.regions = RegionsPanel(session, self)
        self.regions.set_tree_action(self.actions_by_id["regions_tree"])
        self.reasoning.show_keys(self.actions_by_id)
        self.timeline.show_keys(self.actions_by_id)
        self.regions.measure_bar.show_keys(self.actions_by_id["measure_step"])
        self.prompt = PromptBar(self.actions_by_id, engine.segmenters, self)
        self.message = MessageBar(self)
        self.status = StatusBar(self)
        self.setStatusBar(self.status)
        self.setAcceptDrops(True)
        self.files = FileMenus(places.samples, self)
        fill(self, self.actions_by_id, self.files)
        self.canvas.view_button.setMenu(view_menu(self.actions_by_id, self))
        self.edit_mode = edit_mode.EditMode(
            self.canvas, session, self.controller.editor, self.actions_by_id, self
        )
        ModelOffer(self.controller, self.message)
        self.palette_box = Palette(self)
        self.intake = Intake(self)
        self.dialogs = DialogOpener(self.controller, self.actions_by_id, self.prompt, self._set_theme, self)
        self._arrange()
        self._connect()
        self._return_to: Whereabouts | None = None
        self._last_session = LastSession(_open_windows(), self._whereabouts, self)
        self.controller.scene_opened.connect(self._last_session.changed)
        self.controller.state_changed.connect(self._last_session.changed)
        session.selection_changed.connect(self._last_session.changed)
        self.dialogs.beside_changed.connect(self._last_session.changed)
        self._restore()
        self._recolour()
        self._retitle()

    def _handlers(self) -> dict[str, Callable[..., object]]:
        """What each action does. Looks parts up when called, because they are made after the actions."""
        return {
            "open": lambda: self.intake.ask(),
            "paste": lambda: self.intake.paste(),
            "capture": lambda: self.intake.capture_screen(),
            "capture_window": lambda: self.intake.capture_window(),
            "export": lambda: self.dialogs.export(),
            "copy_picture": lambda: exporting.copy_picture(self.controller),
            "show_folder": self._show_folder,
            "quit": self.close,
            "run": self.run,
            "pause": lambda on: self.controller.runner.pause(on),
            "stop": lambda: self.controller.cancel_or_stop(),
            "choose_model": lambda: self.dialogs.models(),
            "choose_segmenter": lambda: self.dialogs.segmenters(),
            "calibrate": lambda: self.dialogs.calibrate(),
            "ask": lambda: self.prompt.focus_question(),
            "measure_step": lambda: self.controller.verifier.measure_step(),
            "measure_all": lambda: self.controller.verifier.measure_all(),
            "play": lambda: self.timeline.play_pause(),
            "token_back": lambda: self.timeline.step_token(-1),
            "token_forward": lambda: self.timeline.step_token(1),
            "step_back": lambda: self.timeline.step_step(-1),
            "step_forward": lambda: self.timeline.step_step(1),
            "first": lambda: self.timeline.go_home(),
            "last": lambda: self.timeline.go_end(),
            "live": lambda on: self.controller.session.set_follow(on),
            "loop": lambda on: self.timeline.set_loop(on),
            **{
                f"speed_{speed:g}": lambda _on, speed=speed: self.timeline.set_speed(speed)
                for speed in SPEEDS
            },
            "find": lambda: self.reasoning.open_find(),
            "find_next": lambda: self.controller.session.finder.step(1),
            "find_previous": lambda: self.controller.session.finder.step(-1),
            "region_next": lambda: self.controller.session.finder.step_on_region(1),
            "region_previous": lambda: self.controller.session.finder.step_on_region(-1),
            "fit": lambda: self.canvas.fit(),
            "zoom_in": lambda: self.canvas.zoom_in(),
            "zoom_out": lambda: self.canvas.zoom_out(),
            **display_actions.handlers(self.controller.session),
            **edit_mode.handlers(self.controller.editor, lambda: self.edit_mode),
            "theme_system": lambda _on: self._set_theme("system"),
            "theme_light": lambda _on: self._set_theme("light"),
            "theme_dark": lambda _on: self._set_theme("dark"),
            "palette": self.open_palette,
            "preferences": lambda: self.dialogs.preferences(),
            "library": lambda: self.dialogs.library(),
            "batch": lambda: self.dialogs.batch(),
            "what_if": self._run_without,
            "side_by_side": lambda: self.dialogs.ask_other_run(),
            "regions_tree": lambda on: self.regions.show_tree(on),
            "path": lambda: self.dialogs.path(),
            "start_page": lambda: self.front.setCurrentWidget(self.start_page),
            "shortcuts": lambda: self.dialogs.shortcuts(),
            "about": lambda: self.dialogs.about(),
        }

    def begin(self, path: Path | None) -> None:
        """Once the window is there: open a file, or the first sample, and load the models meanwhile."""
        samples_there = [sample.path for sample in self._places.samples]
        left = left_behind(_open_windows()) if path is None else None
        if left is not None:
            self._return_to = left
            self.open(Path(left.path))
        for first in [path] if path is not None else samples_there[:1] if left is None else []:
            self.open(first)
        if path is None and left is None and not self._settings.contains("welcomed"):
            self._welcome()
            self.controller.file_opened.connect(self._welcome, Qt.ConnectionType.SingleShotConnection)
        self.controller.runner.warm_up()

    def open(self, path: Path) -> None:
        """Open a screenshot or a trace."""
        self.message.dismiss()
        self.controller.open(path)

    def open_pixels(self, pixels: np.ndarray, name: str) -> None:
        """Use an image in memory, uint8 [H, W, 3 or 4]."""
        self.message.dismiss()
        self.controller.open_pixels(pixels, name)

    @Slot(str)
    def _open_chosen(self, path: str) -> None:
        self.open(Path(path))

    @Slot()
    def run(self) -> None:
        """Ask the question of the prompt bar."""
        self._say_what_to_expect()
        self._show_canvas()
        self._before = None
        self.controller.run(self.prompt.question(), self.prompt.sampling(), self.prompt.pace())

    @Slot()
    def open_palette(self) -> None:
        """Offer everything that can be done."""
        self.palette_box.open(commands(self.actions_by_id, self.files))

    def event(self, event: QEvent) -> bool:
        # Reaches the window only when the focused widget did not claim the key itself.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and widget_wants(QApplication.focusWidget(), event)
        ):
            event.accept()
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "files"):
            self._recolour()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.intake.offers(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.intake.take(event.mimeData(), "dropped image")
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._remember_layout()
        self._last_session.end()
        for dialog in self.findChildren(QDialog):
            dialog.close()
        self.hide()
        self.controller.close()
        super().closeEvent(event)

    def _arrange(self) -> None:
        self.front = QStackedWidget()
        self.front.addWidget(self.canvas)
        self.start_page = StartPage(
            self._places.samples, self.actions_by_id["open"], self.actions_by_id["run"], self
        )
        self.front.addWidget(self.start_page)
        self.panes = Panes(self.front, self.reasoning, self.regions, self.timeline)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.message)
        column.addWidget(self.prompt)
        column.addWidget(self.panes, 1)
        self.setCentralWidget(centre)
        room = self.screen().availableGeometry().size()
        self.resize(QSize(1280, 800).boundedTo(room))

    def _connect(self) -> None:
        controller, session = self.controller, self.controller.session
        for source in (self.files.chosen, self.intake.file_given, self.dialogs.chosen):
            source.connect(self._open_chosen)
        self.intake.pixels_given.connect(self.open_pixels)
        self.intake.said.connect(self.message.show_message)
        controller.file_opened.connect(self._file_opened)
        session.run_ended.connect(self._run_ended)
        self.start_page.chosen.connect(self._open_chosen)
        self.start_page.dismissed.connect(self._show_canvas)
        self.edit_mode.begun.connect(self._show_canvas)
        self.prompt.submitted.connect(self.actions_by_id["run"].trigger)
        self.prompt.pace_changed.connect(controller.runner.set_pace)
        self.prompt.segmenter_changed.connect(controller.set_segmenter)
        controller.segmenter_fell_back.connect(self.prompt.set_segmenter)
        controller.scene_opened.connect(self._scene_opened)
        controller.regions_found.connect(self._regions_found)
        controller.state_changed.connect(self._state_changed)
        controller.stage_changed.connect(self.status.set_stage)
        controller.runner.model_ready.connect(self.status.set_model)
        controller.runner.model_ready.connect(self._offer_calibration)
        controller.runner.rate_changed.connect(self.status.set_rate)
        controller.said.connect(self.message.show_message)
        session.follow_changed.connect(self.actions_by_id["live"].setChecked)
        self.regions.measure_bar.measure_wanted.connect(controller.verifier.measure_step)
        self.regions.measure_bar.cancel_wanted.connect(controller.verifier.cancel)
        controller.verifier.busy_changed.connect(self._verifier_changed)
        self.timeline.playback.loop_changed.connect(self._playback_changed)
        self.timeline.playback.speed_changed.connect(self._playback_changed)
        self._playback_changed()
        session.trace_changed.connect(self._state_changed)
        controller.editor.changed.connect(self._state_changed)
        session.display_changed.connect(self._display_changed)
        session.display_changed.connect(self._keep_display)
        session.pinned_changed.connect(self._display_changed)
        session.region_selected.connect(self._display_changed)
        controller.state_changed.connect(self._display_changed)
        session.selection_changed.connect(self._display_changed)
        self.actions_by_id["live"].setChecked(session.follow)
        self._display_changed()
        self._state_changed()

    def _restore(self) -> None:
        saved = self._settings.value("geometry")
        if isinstance(saved, QByteArray):
            self.restoreGeometry(saved)
        self.panes.restore(self._settings)
        self.prompt.set_segmenter(str(self._settings.value("segmenter", "")))
        self.controller.segmenter_name = self.prompt.segmenter()
        mode = self._settings.value("theme", "system")
        self._set_theme(mode if mode in MODES else "system")

    def _remember_layout(self) -> None:
        self._settings.setValue("geometry", self.saveGeometry())
        self.panes.remember(self._settings)
        self._settings.setValue("segmenter", self.prompt.segmenter())

    def _whereabouts(self) -> Whereabouts | None:
        """What to come back to after a crash; also remembers the layout for then."""
        self._remember_layout()
        self._settings.sync()
        path, selection = self.controller.trace_path, self.controller.session.selection
        if path is None or not path.is_file():  # deleted or moved meanwhile
            path = self._opened
        if path is None:
            return None
        start, end = (selection.start, selection.end) if selection else (0, 0)
        return Whereabouts(str(path), start, end, self.dialogs.beside_path)

    @Slot(str)
    def _file_opened(self, path: str) -> None:
        scene, left = self.controller.scene, self._return_to
        if scene is not None:
            self.start_page.set_open(scene.screenshot.name, Path(path))
        self._opened, self._return_to = Path(path), None
        if scene is not None:
            thumbnails.keep(self._opened, scene.screenshot.pixels)
        self.files.remember(path)
        if left is not None and left.path == path:
            self.controller.session.select(left.start, left.end or None)
            self.message.show_message("Sightline ended unexpectedly last time. This is where you were.")
            if left.beside:
                self.dialogs.compare_with(left.beside)

    @Slot()
    def _run_ended(self) -> None:
        before, trace, self._before = self._before, self.controller.session.trace, None
        if before is not None and trace is not None and len(before[0]) and len(trace):
            self.dialogs.beside(before[0], trace, before[1])
        path, scene = self.controller.trace_path, self.controller.scene
        if path is not None and scene is not None:
            thumbnails.keep(path, scene.screenshot.pixels)
            self.files.remember(str(path))

    @Slot()
    def _welcome(self) -> None:
        self.front.setCurrentWidget(self.start_page)

    @Slot()
    def _show_canvas(self) -> None:
        self._settings.setValue("welcomed", True)
        self.front.setCurrentWidget(self.canvas)

    @Slot()
    def _run_without(self) -> None:
        trace = self.controller.session.trace
        self._before = None if trace is None else (trace, str(self.controller.trace_path or ""))
        self.controller.run_without(self.controller.session.selected)

    @Slot()
    def _scene_opened(self) -> None:
        self.front.setCurrentWidget(self.canvas)
        self._opened = self._before = None
        scene, session = self.controller.scene, self.controller.session
        assert scene is not None
        self.start_page.set_open(scene.screenshot.name)
        self.canvas.set_screenshot(scene.screenshot, scene.region_map)
        self.status.set_rate(0.0)
        self.prompt.set_questions([session.trace.prompt] if session.trace else questions(scene.truth))
        if session.trace is None:
            self._say_what_to_expect()
        self._show_regions()
        self._retitle()
        self._state_changed()

    @Slot()
    def _regions_found(self) -> None:
        scene = self.controller.scene
        assert scene is not None
        self.canvas.set_screenshot(scene.screenshot, scene.region_map)
        self._show_regions()

    @Slot()
    def _offer_calibration(self) -> None:
        """Say, with a button that helps, that regions show no effects yet."""
        if self.controller.runner.uncalibrated:
            self.message.show_message(UNCALIBRATED_MODEL, offer=self.actions_by_id["calibrate"])

    def _say_what_to_expect(self) -> None:
        """Warn where the model cannot read the screenshot; otherwise take such a warning back.

        Other messages stay, such as why the model could not be loaded while the screenshot was opened.
        """
        scene = self.controller.scene
        if self.controller.runner.generated_only and scene is not None and scene.truth is None:
            self.message.show_message(GENERATED_ONLY)
            return
        if self.message.text in (GENERATED_ONLY, UNCALIBRATED_MODEL):
            self.message.dismiss()
        self._offer_calibration()

    def _show_regions(self) -> None:
        scene = self.controller.scene
        region_map, pixels = (None, None) if scene is None else (scene.region_map, scene.screenshot.pixels)
        self.status.set_regions(None if region_map is None else len(region_map) - 1)
        self.regions.set_preview(region_map, pixels)

    @Slot()
    def _state_changed(self) -> None:
        self.prompt.set_state(self.controller.state, ready=self.controller.scene is not None)
        if self.controller.cancellable:
            self.actions_by_id["stop"].setEnabled(True)
        for name in ("export", "copy_picture"):
            self.actions_by_id[name].setEnabled(self.controller.session.trace is not None)

    @Slot()
    def _verifier_changed(self) -> None:
        self.regions.measure_bar.set_busy(self.controller.verifier.busy)

    @Slot()
    def _playback_changed(self) -> None:
        playback = self.timeline.playback
        self.actions_by_id["loop"].setChecked(playback.loop is not None)
        nearest = min(SPEEDS, key=lambda speed: abs(speed - playback.speed))
        self.actions_by_id[f"speed_{nearest:g}"].setChecked(True)

    @Slot()
    def _display_changed(self) -> None:
        session = self.controller.session
        there = session.trace is not None and len(session.trace) > 0
        self.actions_by_id["side_by_side"].setEnabled(there)
        idle = self.controller.state is RunState.IDLE
        self.actions_by_id["what_if"].setEnabled(there and idle and session.selected > 0)
        display_actions.reflect(self.actions_by_id, self.controller.session)

    @Slot()
    def _keep_display(self) -> None:
        preferences.keep_display(self.controller.session.display)

    def _show_folder(self) -> None:
        try:
            make_folder(self.controller.runs)
        except InputError as error:
            self.message.show_message(str(error), "error")
        else:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.controller.runs)))

    def _set_theme(self, mode: str) -> None:
        self.actions_by_id[f"theme_{mode}"].setChecked(True)
        self._settings.setValue("theme", mode)
        if mode != self._theme.mode:
            self._theme.set_mode(mode)  # type: ignore[arg-type]

    def _recolour(self) -> None:
        colours = self._theme.colours
        for action in ACTIONS:
            if action.icon:
                ink = colours.on_accent if action.id == "run" else colours.text
                self.actions_by_id[action.id].setIcon(icon(action.icon, ink, colours.muted))
        self.files.button.setIcon(icon("samples", colours.text, colours.muted))
        self.setWindowIcon(icon("app", colours.accent))

    def _retitle(self) -> None:
        scene = self.controller.scene
        self.setWindowTitle(f"{scene.screenshot.name} — Sightline" if scene else "Sightline")


def _open_windows() -> Path:
    """Where every window notes what it has open."""
    return data_folder() / "open"


def installed_places(runs: Path) -> Places:
    """Where things are in an installed Sightline."""
    return Places(runs, tuple(samples()))

"""Regions from Segment Anything: prompts where the content is, masks, one disjoint map.

The same call serves the bundled small SAM, official checkpoints and SAM 2.1. Importing this module does not
import torch; loading a model does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.overlap import overlap
from core.partition import partition
from core.regions import RegionMap, guess_role
from core.screenshot import Screenshot
from models.mask_model import MaskModel, Masks, Tick
from models.opencv_segmenter import enlarged, find_parts, working_copy
from models.sam_checkpoint import load_its_jury, load_mask_model
from models.sam_choice import consistent, fewer
from models.sam_evidence import Answers, Asked, evidence
from models.sam_outline import outlined
from models.sam_patches import patches
from models.sam_prompts import View, free_points, views
from models.sam_proposals import chosen_parts, readings, unlike_masks
from models.sam_relations import relations
from models.screen_layout import Box, Part
from models.segmenters import SEGMENTERS, Progress, load_segmenter

if TYPE_CHECKING:
    from models.sam_judge import Jury

MOST_BOXES = 280
"""Boxes of the OpenCV segmenter asked for at most; near things are asked for together beyond that."""
MORE_BOXES, JUDGED_BOXES = 220, 380
"""Boxes asked for beside those, of other readings of the edges; judges tell more of them apart."""
JUDGED_PATCHES = 80
"""Shapes of one colour that are asked for too, where there are judges."""
POINTS = 48
"""Points asked for beside the boxes, for what no edge gave away."""
NARROWEST = 16
"""Pixels; a screenshot narrower than that has no regions."""
_DOUBTFUL, _DOUBTFUL_IF_LARGE = 0.03, 0.2
"""Worth of a box to the judges, 0 to 1, from which it is kept, and of a large one that only edges suggest."""
_LARGE = 0.012
"""Share of the picture."""
_CROSSING = 0.2
"""Share of a box that the judges are sure of which may lie in, or out of, another by mistake."""
_CERTAIN, _FIRM = 0.9, 0.4
"""Worth from which a line of text is one and holds nothing else, and of what it holds nevertheless."""
_ALONE = threading.Lock()
_A_MOMENT = 0.05
"""Seconds between two looks at whether somebody who waits still wants to."""
_AGREE = 0.6
"""IoU from which SAM's mask and the proposal mean the same: then the outline is that of the edges."""
_TRUSTED = 0.4
"""Share of the quality asked of others that is asked of the boxes which the OpenCV segmenter decided for."""
_CARDS = 2.5
"""How much surer SAM has to be of what is neither text nor icon."""
_FIRST_CHOICE, _AGREEMENT = 0.1, 0.2
"""Quality that such a box gains over others, and any box of which SAM's mask fills just the same pixels."""
_CROWD = 125
"""Per cent of the regions wanted that masks are kept for; of more than are wanted, near ones are grouped."""
_DOUBTLESS = 0.05
"""How much better than ``good`` what the OpenCV segmenter decided for is when there is no doubt of it."""
_SURE = 0.2
"""How much better than ``good`` a mask must be that no edge gave away."""


class SamSegmenter:
    """Regions from a loaded mask model. May be used from several threads: they take turns.

    Args:
        model: that is asked.
        jury: that decides what to make of its answers, if there is one for this model; None: a fixed rule.
    """

    def __init__(self, model: MaskModel, jury: Jury | None = None) -> None:
        self.model, self.jury = model, jury
        self.identity = model.identity

    def segment(self, screenshot: Screenshot, max_regions: int, step: Progress) -> RegionMap:
        with _turn(lambda: step("Waiting for SAM", 0.0)):
            return self._segment(screenshot, max_regions, step)

    def _segment(self, screenshot: Screenshot, max_regions: int, step: Progress) -> RegionMap:
        pixels = np.ascontiguousarray(working_copy(screenshot.pixels))
        height, width = pixels.shape[:2]
        parts: list[Part] = []
        if min(height, width) >= NARROWEST:
            parts = self._parts(pixels, max_regions, step)
        step("Arranging regions", 0.9)
        small = partition(
            [part.mask for part in parts],
            corners=[part.box[:2] for part in parts],
            shape=(height, width),
            roles=[part.role for part in parts],
            max_regions=max_regions,
            min_area=max(12, height * width // (5_000 if self.jury is None else 20_000)),
            source="sam",
        )
        return enlarged(small, screenshot.height, screenshot.width)

    def _parts(self, pixels: np.ndarray, max_regions: int, step: Progress) -> list[Part]:
        """What SAM agrees is there, best first; near small ones grouped if there are too many."""
        if self.jury is not None:
            return fewer(self._judged(pixels, self.jury, step), max_regions - 1)
        asked = self._asked(pixels, MORE_BOXES, 0, step)
        points = free_points(asked.parts, pixels.shape[1], pixels.shape[0], POINTS)
        confirmed: list[tuple[float, Part, bool]] = []
        for number, (view, tick) in enumerate(self._looks(pixels, asked.parts, step)):
            confirmed += self._confirmed(view, asked.parts, asked.decided, tick)
            if number == 0:
                found = self.model.automatic(points, tick)
                confirmed += self._unprompted(found, pixels.shape[1], pixels.shape[0])
        confirmed.sort(key=lambda entry: (-entry[0], entry[1].box))
        whole = [shut for *_, shut in confirmed]
        kept = consistent([part for _, part, _ in confirmed], _CROWD * max_regions // 100, whole)
        return fewer([(1.0, part) for part in kept], max_regions - 1)

    def consulted(self, pixels: np.ndarray, step: Progress) -> tuple[Asked, Answers]:
        """Boxes of a working copy, uint8 [h, w, 3], and SAM's answer to each, as the judges want them."""
        asked = self._asked(pixels, JUDGED_BOXES, JUDGED_PATCHES, step)
        count = len(asked.parts)
        quality, agreement, filled = np.zeros((3, count), np.float32)
        seen, shown = np.zeros((2, count, 4), np.int64)
        for view, tick in self._looks(pixels, asked.parts, step):
            for index, mask, value in self._answers(view, asked.parts, tick):
                tick()
                quality[index], shown[index] = value, view.box
                piece = _cut(mask, *view.box[:2])
                if piece is not None:
                    mine = replace(asked.parts[index], box=piece[0], mask=piece[1])
                    agreement[index], seen[index] = overlap(mine, asked.parts[index]), piece[0]
                    filled[index] = piece[1].mean()
        return asked, Answers(quality, seen, agreement, filled, shown)

    def _judged(self, pixels: np.ndarray, jury: Jury, step: Progress) -> list[tuple[float, Part]]:
        """What the judges take for elements and how sure they are of each, the surest first."""
        from models.sam_judge import moved

        height, width = pixels.shape[:2]
        asked, answers = self.consulted(pixels, step)
        if not len(asked.parts):
            return []

        def tick() -> None:
            step("Weighing SAM's answers", 0.87)

        tick()
        related = relations(asked.boxes)
        verdict = jury.verdict(evidence(pixels, asked, answers, related, tick), related.kinds, tick)
        tick()
        worth = verdict.fit * np.sqrt(verdict.chosen)
        best_first = np.argsort(-worth, kind="stable").tolist()
        # Straight edges by chance look like a card on any wallpaper.
        large = (asked.boxes[:, 2:] - asked.boxes[:, :2]).prod(1) > _LARGE * height * width
        large[: asked.decided] = False
        enough = worth >= np.where(large, _DOUBTFUL_IF_LARGE, _DOUBTFUL)
        order = [i for i in best_first if enough[i]]
        parts = [moved(asked.parts[i], verdict.moves[i], width, height) for i in order]
        whole = [part.role == "text" and worth[i] >= _CERTAIN for i, part in zip(order, parts, strict=True)]
        firm = [worth[i] >= _FIRM for i in order]
        kept = {id(part) for part in consistent(parts, len(parts), whole, _CROSSING, firm)}
        return [(float(worth[i]), part) for i, part in zip(order, parts, strict=True) if id(part) in kept]

    def _asked(self, pixels: np.ndarray, more: int, shapes: int, step: Progress) -> Asked:
        """The boxes and shapes to ask for, each drawn in to what it holds, without SAM's answers."""

        def early(text: str, fraction: float) -> None:
            step(text, 0.15 * fraction)

        def tick() -> None:
            step("Asking SAM", 0.15)

        parts = find_parts(pixels, MOST_BOXES, early)
        decided = len(parts)
        found = readings(pixels, tick)
        parts += chosen_parts(found, parts, more, tick)
        suggested = [part.box for part in parts]
        drawn_in = []
        for part in parts:
            tick()
            drawn_in.append(outlined(pixels, part))
        parts = drawn_in
        if shapes:
            further = unlike_masks(patches(pixels, tick), parts, shapes)
            suggested += [part.box for part in further]
            parts += further
            tick()
        return Asked(parts, np.array(suggested, np.int64).reshape(-1, 4), decided, found.joined)

    def _looks(
        self, pixels: np.ndarray, parts: Sequence[Part], step: Progress
    ) -> Iterator[tuple[View, Tick]]:
        """Show the model the picture and its pieces in turn; each view once it has been seen."""
        height, width = pixels.shape[:2]
        looks = views(parts, width, height, self.model.window)
        for number, view in enumerate(looks):
            share = 0.15 + 0.7 * number / len(looks)

            def tick(at: float = share) -> None:
                step("Asking SAM", at)

            x0, y0, x1, y1 = view.box
            self.model.look(np.ascontiguousarray(pixels[y0:y1, x0:x1]), tick)
            yield view, tick

    def _answers(
        self, view: View, parts: Sequence[Part], tick: Tick
    ) -> Iterator[tuple[int, np.ndarray, float]]:
        """Index, mask in the view, and quality of what SAM sees in each box asked for there."""
        x0, y0 = view.box[:2]
        boxes = np.array([parts[index].box for index in view.asked], np.float32).reshape(-1, 4)
        found = self.model.in_boxes((boxes - (x0, y0, x0, y0)).astype(np.float32), tick)
        yield from zip(view.asked, found.masks, found.quality.tolist(), strict=True)

    def _confirmed(
        self, view: View, proposed: Sequence[Part], decided: int, tick: Tick
    ) -> list[tuple[float, Part, bool]]:
        """What SAM sees in the boxes of a view, how much speaks for it, and whether it holds nothing else.

        The first ``decided`` of those proposed are what the OpenCV segmenter would have shown.
        """
        confirmed = []
        for index, mask, quality in self._answers(view, proposed, tick):
            trusted = index < decided
            piece = _cut(mask, *view.box[:2])
            if piece is None or quality < self._least(proposed[index], trusted):
                continue
            part = proposed[index]
            seen = replace(part, box=piece[0], mask=piece[1])
            same = overlap(seen, part)
            score = quality + _FIRST_CHOICE * trusted + _AGREEMENT * same
            # A line of text that both are sure of is not a heap of words.
            whole = trusted and part.role in ("text", "icon") and quality >= self.model.good + _DOUBTLESS
            if self.model.exact and same < _AGREE:
                part = seen
            confirmed.append((score, part, whole))
        return confirmed

    def _least(self, part: Part, trusted: bool) -> float:
        """The quality that a proposal needs. Straight edges by chance look like a card on any wallpaper."""
        likely = self.model.likely
        if trusted:
            return _TRUSTED * likely
        return likely if part.role in ("text", "icon") else min(_CARDS * likely, self.model.good)

    def _unprompted(self, found: Masks, width: int, height: int) -> list[tuple[float, Part, bool]]:
        """Masks at points: structures of some size that SAM is sure of."""
        sure = min(self.model.good + _SURE, 0.95)
        parts = []
        for mask, quality in zip(found.masks, found.quality, strict=True):
            area = int(mask.sum())
            if quality < sure or not 0.002 * mask.size <= area <= 0.92 * mask.size:
                continue
            piece = _cut(mask, 0, 0)
            if piece is not None and area >= 0.6 * piece[1].size:
                role = guess_role(piece[0], width, height)
                parts.append((float(quality), Part(piece[0], piece[1], role, -1), False))
        return parts


def load_sam(checkpoint: Path | None) -> SamSegmenter:
    """The segmenter with a checkpoint, or with the bundled one. Errors as ``load_mask_model``."""
    model = load_mask_model(checkpoint)
    return SamSegmenter(model, load_its_jury(checkpoint))


def clicks(screenshot: Screenshot, segmenter: str) -> Clicks:
    """Clicks on a screenshot, answered by a segmenter's SAM or, where it is no SAM, by the bundled one.

    Raises:
        InputError: there is no SAM here, or its checkpoint cannot be used.
    """
    name = segmenter if segmenter.partition(":")[0] == "sam" else "sam"
    if name not in SEGMENTERS and ":" not in name:
        raise InputError(
            "This needs Segment Anything, and Sightline comes without its weights here. Choose a checkpoint "
            "with Find Regions with…, draw a rectangle (a box with Shift), or use the brush."
        )
    found = load_segmenter(name)
    assert isinstance(found, SamSegmenter)
    return Clicks(found.model, screenshot)


class Clicks:
    """What a person means by a click or a box on one screenshot.

    A model that sees it sharply as a whole encodes the screenshot at the first of them. All methods take a
    ``tick`` that is called often and may raise to end the work. May be used from several threads: they take
    turns.
    """

    def __init__(self, model: MaskModel, screenshot: Screenshot) -> None:
        self._model, self._shot = model, screenshot
        self._pixels = np.ascontiguousarray(working_copy(screenshot.pixels))
        self._scale = self._pixels.shape[1] / screenshot.width

    def at(self, x: int, y: int, tick: Tick = lambda: None) -> list[np.ndarray]:
        """Masks of what is at a pixel, bool [H, W], from small to large, at most three, doubles left out."""
        left, top = (x + 0.5) * self._scale, (y + 0.5) * self._scale
        with _turn(tick):
            found = self._masks_at(left, top, self._whole, tick)
            near = self._around((left, top, left, top))
            if near != self._whole:  # small things are seen there, large ones only in the whole
                close = [m for m in self._masks_at(left, top, near, tick) if not self._cut_off(m, near)]
                most = max((int(m.sum()) for m in close), default=0)
                found = close + [m for m in found if int(m.sum()) > 1.5 * most]
        found.sort(key=lambda mask: int(mask.sum()))
        masks: list[np.ndarray] = []
        for mask in found:
            if mask.any() and not any(_overlap(mask, other) > 0.85 for other in masks):
                masks.append(mask)
        if len(masks) > 3:
            masks = [masks[0], masks[len(masks) // 2], masks[-1]]
        return [self._full_size(mask) for mask in masks]

    def within(self, box: tuple[int, int, int, int], tick: Tick = lambda: None) -> np.ndarray:
        """The mask of what a box (x0, y0, x1, y1) is around, bool [H, W]; empty if there is nothing."""
        asked = np.array([box], np.float32) * np.float32(self._scale)
        with _turn(tick):
            view = self._around(tuple(asked[0].tolist()))
            self._look(view, tick)
            found = self._model.in_boxes((asked - (*view[:2], *view[:2])).astype(np.float32), tick)
        return self._full_size(self._placed(found.masks[0], view))

    @property
    def _whole(self) -> Box:
        return (0, 0, self._pixels.shape[1], self._pixels.shape[0])

    def _around(self, box: tuple[float, ...]) -> Box:
        """The part of the picture to look at for what lies in a box: sharp where that is small."""
        window, (_, _, width, height) = self._model.window, self._whole
        wide, high = box[2] - box[0], box[3] - box[1]
        if window is None or max(width, height) <= 1.3 * window or max(wide, high) > 0.75 * window:
            return self._whole
        x0 = int(np.clip((box[0] + box[2] - window) / 2, 0, max(0, width - window)))
        y0 = int(np.clip((box[1] + box[3] - window) / 2, 0, max(0, height - window)))
        return (x0, y0, min(x0 + window, width), min(y0 + window, height))

    def _masks_at(self, x: float, y: float, view: Box, tick: Tick) -> list[np.ndarray]:
        self._look(view, tick)
        return [self._placed(mask, view) for mask in self._model.at_point(x - view[0], y - view[1]).masks]

    def _look(self, view: Box, tick: Tick) -> None:
        """Show the model a part of the picture; the whole as the same array, which it remembers."""
        x0, y0, x1, y1 = view
        pixels = self._pixels if view == self._whole else np.ascontiguousarray(self._pixels[y0:y1, x0:x1])
        self._model.look(pixels, tick)

    def _placed(self, mask: np.ndarray, view: Box) -> np.ndarray:
        """A mask of a view as one of the whole picture."""
        if view == self._whole:
            return mask
        whole = np.zeros(self._pixels.shape[:2], bool)
        whole[view[1] : view[3], view[0] : view[2]] = mask
        return whole

    def _cut_off(self, mask: np.ndarray, view: Box) -> bool:
        """Whether a mask goes on beyond a view, which is not the end of the picture there."""
        x0, y0, x1, y1 = view
        _, _, width, height = self._whole
        return bool(
            (x0 > 0 and mask[:, x0].any())
            or (y0 > 0 and mask[y0].any())
            or (x1 < width and mask[:, x1 - 1].any())
            or (y1 < height and mask[y1 - 1].any())
        )

    def _full_size(self, mask: np.ndarray) -> np.ndarray:
        rows = np.arange(self._shot.height) * mask.shape[0] // self._shot.height
        columns = np.arange(self._shot.width) * mask.shape[1] // self._shot.width
        return mask.take(rows, 0).take(columns, 1)


@contextmanager
def _turn(tick: Tick) -> Iterator[None]:
    """Have SAM to oneself: a model remembers the one picture that it was shown last."""
    while not _ALONE.acquire(timeout=_A_MOMENT):
        tick()
    try:
        yield
    finally:
        _ALONE.release()


def _cut(mask: np.ndarray, left: int, top: int) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
    """A mask cut down to its box, and that box in the picture; None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return (left + x0, top + y0, left + x1, top + y1), mask[y0:y1, x0:x1]


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))

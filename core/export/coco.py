"""The regions of a trace as a COCO data set of one image, with their effects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.export.format import Format, Progress, Steps, checked_steps, no_progress, token_range
from core.export.glimpse import glimpse
from core.export.json_file import write_json
from core.strict_json import finite, plain

if TYPE_CHECKING:
    from core.regions import RegionMap
    from core.trace import Trace


def coco_of(name: str, region_map: RegionMap) -> dict[str, Any]:
    """Regions as a COCO data set with one image; the background is left out.

    Args:
        name: of the screenshot.
    """
    from core import rle
    from core.export.region_runs import region_runs

    size = [region_map.height, region_map.width]
    runs = region_runs(region_map.labels, len(region_map))
    return {
        "images": [{"id": 1, "file_name": plain(name), "width": size[1], "height": size[0]}],
        "categories": [{"id": 1, "name": "region", "supercategory": "region"}],
        "annotations": [
            {
                "id": region.id,
                "image_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": list(region.bbox),
                "area": region.area,
                "segmentation": {"size": size, "counts": rle.compress(runs[region.id])},
                "name": plain(region.name),
                "parent": region.parent,
                "source": plain(region.source),
            }
            for region in region_map.regions[1:]
        ],
    }


def to_coco(trace: Trace, steps: Steps | None = None) -> dict[str, Any]:
    """The regions of a trace, and in each annotation its ``effects`` on the steps, in nats.

    ``info`` says what the numbers are. Steps without estimates have null.

    Raises:
        InputError: there are no such steps.
    """
    first, last = checked_steps(trace, steps)
    data = coco_of(trace.screenshot.name, trace.region_map)
    rows: list[list[float] | None] = []
    for step in map(trace.step, range(first, last)):
        known = step.end <= trace.estimated
        sums = finite(trace.span_effects(step.start, step.end)).astype(float).round(5) + 0.0
        rows.append(sums.tolist() if known else None)
    for annotation in data["annotations"]:
        annotation["effects"] = [None if row is None else row[annotation["id"]] for row in rows]
    start, end = token_range(trace, (first, last))
    info = {
        "description": f"Regions of a screenshot and {trace.quantity.title}, on the steps of a reasoning",
        "image_sha256": trace.screenshot.sha256,
        "prompt": plain(trace.prompt),
        "model": plain(trace.model.name),
        "estimator": plain(trace.estimator.name),
        "effects": {
            "kind": trace.quantity.kind,
            "unit": trace.quantity.unit,
            "steps": [first, last],
            "tokens": [start, end],
        },
    }
    return {"info": info, "licenses": [], **data}


def export_coco(
    trace: Trace, out: Path, steps: Steps | None = None, progress: Progress | None = None
) -> None:
    """Write the regions of a trace, with their effects on a range of steps, as COCO JSON.

    Raises:
        InputError: there are no such steps, or the file cannot be written.
    """
    progress = progress or no_progress
    progress(0.0)
    write_json(to_coco(trace, steps), out, progress)


def preview_coco(trace: Trace, steps: Steps | None = None) -> str:
    """How the file begins, its long lists cut."""
    return glimpse(to_coco(trace, steps))


FORMAT: Final = Format("coco", ".json", "regions for annotation tools", export_coco, preview_coco)

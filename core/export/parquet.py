"""A trace as a table for data frames: one row a token, its effects as a list of a fixed length."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps, checked_steps, no_progress, token_range
from core.export.json_trace import to_json
from core.strict_json import finite, plain

if TYPE_CHECKING:
    import pyarrow

    from core.trace import Trace

METADATA: Final = b"sightline"
"""Key of the file's metadata: the trace as in the JSON export, without what the rows hold."""


def to_table(trace: Trace, steps: Steps | None = None) -> pyarrow.Table:
    """A trace, or a range of its steps, as an Arrow table.

    Columns: index, id, text, log_prob, phase, step, reliance, effects (float32 for each region, in nats;
    null where the run ended before the token was estimated).

    Raises:
        InputError: there are no such steps.
    """
    import numpy as np
    import pyarrow as pa

    start, end = token_range(trace, checked_steps(trace, steps))
    tokens = trace.tokens[start:end]
    known = max(0, min(end, trace.estimated) - start)
    regions = len(trace.region_map)
    missing = np.arange(len(tokens)) >= known
    effects = pa.FixedSizeListArray.from_arrays(
        pa.array(finite(trace.effects[start:end]).ravel(), pa.float32()), regions, mask=pa.array(missing)
    )
    columns = {
        "index": pa.array([token.index for token in tokens], pa.int32()),
        "id": pa.array([token.id for token in tokens], pa.int64()),
        "text": pa.array([plain(token.text) for token in tokens], pa.string()),
        "log_prob": pa.array(finite([token.log_prob for token in tokens]), pa.float32()),
        "phase": pa.array([token.phase for token in tokens], pa.string()),
        "step": pa.array([token.step for token in tokens], pa.int32()),
        "reliance": pa.array(finite(trace.reliance[start:end]), pa.float32(), mask=missing),
        "effects": effects,
    }
    about = to_json(trace, steps)
    del about["tokens"], about["effects"]["values"]
    return pa.table(columns, metadata={METADATA: json.dumps(about, ensure_ascii=False).encode()})


def export_parquet(
    trace: Trace, out: Path, steps: Steps | None = None, progress: Progress | None = None
) -> None:
    """Write a trace, or a range of its steps, as a Parquet file.

    Raises:
        InputError: there are no such steps, or the file cannot be written.
    """
    import pyarrow.parquet

    progress = progress or no_progress
    progress(0.0)
    table = to_table(trace, steps)
    progress(0.6)
    with replacing(out) as part:
        pyarrow.parquet.write_table(table, part, compression="zstd")
        progress(1.0)


def preview_parquet(trace: Trace, steps: Steps | None = None) -> str:
    """The columns, and the first rows."""
    table = to_table(trace, steps)
    lines = [f"{table.num_rows} rows", "", *(f"{field.name}: {field.type}" for field in table.schema), ""]
    for row in table.slice(0, 12).to_pylist():
        reliance = "null" if row["reliance"] is None else f"{row['reliance']:.3f}"
        lines.append(f"{row['index']:>5}  {row['phase']:<9} {reliance:>9}  {row['text']!r}")
    return "\n".join(lines)


FORMAT: Final = Format(
    "parquet", ".parquet", "a table of tokens for data frames", export_parquet, preview_parquet
)

"""A new person gets from the first page to an exported picture by what the window shows."""

from __future__ import annotations

from PIL import Image

from app.first_minutes import walk


def test_run_find_check_and_export_follow_from_each_other(window, tmp_path):
    run, find, check, export = walk(window, tmp_path)
    assert run.found.startswith("the answer is ")
    assert "the screenshot" in find.found or "visual evidence" in find.found
    assert "Measured: " in check.found
    assert export.found.startswith("exported.png")
    with Image.open(tmp_path / "exported.png") as picture:
        assert picture.width > 0
    assert all((tmp_path / f"{part.name}.png").is_file() for part in (run, find, check, export))

import subprocess
import sys
from pathlib import Path

import pytest

import core
from core.errors import InputError
from core.export.registry import FORMATS, format_named, format_of


def test_every_format_writes_a_file_under_its_extension(tmp_path, make_trace):
    for name, format in FORMATS.items():
        assert format.name == name
        assert format.description
        out = tmp_path / f"out{format.extension}"
        told = []
        format.export(make_trace(), out, (1, 3), told.append)
        assert out.stat().st_size > 0
        assert told[-1] == 1.0
        assert format_of(Path(f"X{format.extension.upper()}")) is format


def test_every_format_gives_the_same_bytes_twice(tmp_path, make_trace):
    for format in FORMATS.values():
        outs = [tmp_path / f"{i}{format.extension}" for i in range(2)]
        for out in outs:
            format.export(make_trace(), out)
        assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize("steps", [(0, 0), (2, 1), (0, 5), (-1, 2), (4, 5)])
def test_every_format_refuses_steps_that_are_not_there(tmp_path, make_trace, steps):
    for format in FORMATS.values():
        with pytest.raises(InputError, match="steps 0 to 3"):
            format.export(make_trace(), tmp_path / "out", steps)
        assert not (tmp_path / "out").exists()


def test_every_format_takes_a_trace_without_tokens(tmp_path, make_trace):
    for format in FORMATS.values():
        format.export(make_trace(steps=0), tmp_path / f"out{format.extension}")


def test_an_unknown_format_is_said_with_the_known_ones():
    with pytest.raises(InputError, match=r"“tiff”.*png, json"):
        format_named("tiff")
    with pytest.raises(InputError, match=r"End it in one of: \.png, \.json"):
        format_of(Path("picture.tiff"))
    assert format_named("json").extension == ".json"


def test_listing_the_formats_loads_nothing_slow():
    code = (
        "import sys, core.export.registry\n"
        "assert not {'matplotlib', 'torch', 'cv2', 'PIL.ImageDraw'} & set(sys.modules), sys.modules"
    )
    root = Path(next(iter(core.__path__))).parent
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)

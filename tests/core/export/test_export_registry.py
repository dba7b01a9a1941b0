import subprocess
import sys
from pathlib import Path

import pytest

import core
from core.errors import InputError
from core.export.registry import FORMATS, format_named, format_of


def quick(format):
    """Options that make small pictures."""
    small = {"width": 240, "cell": 200, "speed": 60}
    return {option.name: small[option.name] for option in format.options if option.name in small}


def test_every_format_writes_a_file_under_its_extension(tmp_path, make_trace):
    for name, format in FORMATS.items():
        assert format.name == name
        assert format.description
        out = tmp_path / f"out{format.extension}"
        told = []
        format.export(make_trace(), out, (1, 3), told.append, **quick(format))
        assert out.stat().st_size > 0
        assert told[-1] == 1.0
        first = next(other for other in FORMATS.values() if other.extension == format.extension)
        assert format_of(Path(f"X{format.extension.upper()}")) is first


def test_every_format_gives_the_same_bytes_twice(tmp_path, make_trace):
    for format in FORMATS.values():
        outs = [tmp_path / f"{i}{format.extension}" for i in range(2)]
        for out in outs:
            format.export(make_trace(), out, **quick(format))
        assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize("steps", [(0, 0), (2, 1), (0, 5), (-1, 2), (4, 5)])
def test_every_format_refuses_steps_that_are_not_there(tmp_path, make_trace, steps):
    for format in FORMATS.values():
        with pytest.raises(InputError, match="steps 0 to 3"):
            format.export(make_trace(), tmp_path / "out", steps)
        assert not (tmp_path / "out").exists()


def test_every_format_takes_the_options_that_it_names_and_shows_a_preview(make_trace):
    for format in FORMATS.values():
        values = {option.name: option.default for option in format.options}
        preview = format.preview(make_trace(), (1, 2), **values)
        assert len(preview) > 100 if isinstance(preview, str) else preview.width > 200


def test_every_format_can_be_cancelled_before_it_is_done(tmp_path, make_trace):
    def cancel(part):
        raise KeyboardInterrupt

    for format in FORMATS.values():
        with pytest.raises(KeyboardInterrupt):
            format.export(make_trace(), tmp_path / "out", progress=cancel)
        assert list(tmp_path.iterdir()) == []


def test_every_format_takes_a_trace_without_tokens(tmp_path, make_trace):
    for format in FORMATS.values():
        format.export(make_trace(steps=0), tmp_path / f"out{format.extension}", **quick(format))


def test_an_unknown_format_is_said_with_the_known_ones():
    with pytest.raises(InputError, match=r"“tiff”.*png, svg, .*json"):
        format_named("tiff")
    with pytest.raises(InputError, match=r"End it in one of: \.png, \.svg, "):
        format_of(Path("picture.tiff"))
    assert format_named("json").extension == ".json"


def test_listing_the_formats_loads_nothing_slow():
    code = (
        "import sys, core.export.registry\n"
        "slow = {'matplotlib', 'torch', 'cv2', 'PIL.ImageDraw', 'av', 'pyarrow'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    root = Path(next(iter(core.__path__))).parent
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)

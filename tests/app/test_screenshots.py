"""The command that takes the pictures of the tour: what it does with its arguments."""

from __future__ import annotations

import pytest

from app.screenshots import main


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["--larg3"], 2), (["a", "b"], 2)])
def test_words_that_are_no_folder_make_no_folder(arguments, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
    said = capsys.readouterr()
    assert "python -m app.screenshots" in said.out + said.err
    assert not list(tmp_path.iterdir())

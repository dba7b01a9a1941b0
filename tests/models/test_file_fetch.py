"""Fetching an official checkpoint: resumed, checked, stopped at once, and every mishap gets a sentence."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hub_server import FakeHub, serve

from core.errors import InputError
from models import file_fetch
from models.file_fetch import RemoteFile, fetch, missing
from models.hub import DownloadCancelled
from models.sam_downloads import OFFICIAL, fetched

DATA = np.random.default_rng(0).bytes(2**20)
NAME = "sam.safetensors"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(file_fetch, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(file_fetch, "_MARGIN", 0)


@pytest.fixture
def server():
    with serve(FakeHub({"m/m": {NAME: DATA}})) as running:
        yield running


@pytest.fixture
def remote(server):
    return RemoteFile(
        f"{server.address}/m/m/resolve/main/{NAME}", len(DATA), hashlib.sha256(DATA).hexdigest()
    )


def test_it_arrives_whole_and_is_not_fetched_twice(server, remote, tmp_path):
    told = []
    path = fetch(remote, tmp_path / "new", lambda done, total: told.append((done, total)))
    assert path.read_bytes() == DATA
    assert told[0] == (0, len(DATA))
    assert told[-1] == (len(DATA), len(DATA))
    assert told == sorted(told)
    assert fetch(remote, tmp_path / "new") == path
    assert len(server.served) == 1


def test_a_connection_that_breaks_again_and_again_is_resumed(server, remote, tmp_path):
    server.break_after, server.breaks = 3 * 65_536, 3
    assert fetch(remote, tmp_path).read_bytes() == DATA
    assert [wanted for _, wanted, _ in server.served] == [
        None, "bytes=196608-", "bytes=393216-", "bytes=589824-",
    ]  # fmt: skip


def test_a_cancelled_try_is_continued_by_the_next(server, remote, tmp_path):
    server.seconds_a_block = 0.02
    stop_at = time.monotonic() + 0.1
    with pytest.raises(DownloadCancelled):
        fetch(remote, tmp_path, should_stop=lambda: time.monotonic() > stop_at)
    assert time.monotonic() - stop_at < 2
    here = (tmp_path / f"{NAME}.part").stat().st_size
    assert 0 < here < len(DATA)
    assert missing(remote, tmp_path) == len(DATA) - here
    server.seconds_a_block = 0.0
    assert fetch(remote, tmp_path).read_bytes() == DATA
    assert server.served[-1][1] == f"bytes={here}-"


def test_another_content_than_was_published_is_thrown_away(server, remote, tmp_path):
    server.spoil = True
    with pytest.raises(InputError, match="checksum differs"):
        fetch(remote, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "words"), [(404, "does not have it any more"), (403, r"error \(403\)")])
def test_a_refusal_gets_a_sentence(server, remote, tmp_path, status, words):
    server.status = status
    with pytest.raises(InputError, match=words):
        fetch(remote, tmp_path)


def test_a_server_that_is_down_gets_a_sentence_and_what_came_is_kept(server, remote, tmp_path):
    server.break_after = 65_536
    server.ranges = False
    (tmp_path / f"{NAME}.part").write_bytes(DATA[:500_000])
    server.status = 503
    with pytest.raises(InputError, match="What was fetched is kept"):
        fetch(remote, tmp_path)
    assert missing(remote, tmp_path) == len(DATA) - 500_000


def test_a_disk_that_is_too_small_is_told_before_the_first_byte(server, remote, tmp_path, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10**5))
    with pytest.raises(InputError, match=r"needs 1 MB more on the disk .* has 0 MB free"):
        fetch(remote, tmp_path)
    assert not server.served


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's full disk")
def test_a_disk_that_fills_up_meanwhile_is_told(remote, tmp_path):
    (tmp_path / f"{NAME}.part").symlink_to(Path("/dev/full"))
    with pytest.raises(InputError, match="is full"):
        fetch(remote, tmp_path)


def test_the_table_of_official_checkpoints_is_complete_and_tells_which_are_here(tmp_path):
    assert list(OFFICIAL) == ["ViT-B", "ViT-L", "ViT-H"]
    for remote in OFFICIAL.values():
        assert remote.url.startswith("https://")
        assert len(remote.sha256) == 64
    assert fetched(tmp_path) == {}
    with (tmp_path / "sam_vit_b_01ec64.pth").open("wb") as file:
        file.truncate(OFFICIAL["ViT-B"].size)
    (tmp_path / "sam_vit_l_0b3195.pth").write_bytes(b"cut short")
    assert list(fetched(tmp_path)) == ["ViT-B"]

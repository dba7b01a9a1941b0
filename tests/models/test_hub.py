"""Fetching a model asks first, shows what it does, can be stopped and continued, and says what went wrong."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hub_server import REVISION, FakeHub, serve

from core.errors import InputError
from models.hub import DownloadCancelled, Hub, cached_folder, fetch, fetching, large_files, look_up

NAME = "maker/model"
WEIGHTS = np.random.default_rng(0).bytes(3 * 2**20)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(large_files, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(fetching, "_MARGIN", 0)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # the server is this machine


@pytest.fixture
def server():
    files = {
        "config.json": b"{}",
        "model.safetensors": WEIGHTS,
        "README.md": b"hello",
        "modeling_own.py": b"raise SystemExit",
        "pytorch_model.bin": b"pickle",
        "original/model.safetensors": b"another format",
        "consolidated.safetensors": b"another copy",
    }
    with serve(FakeHub({NAME: files})) as running:
        yield running


@pytest.fixture
def place(server, tmp_path):
    return Hub(endpoint=server.address, cache=tmp_path / "cache")


def leftover(place: Hub) -> int:
    parts = list(place.folder.glob("**/*.sightline"))
    return parts[0].stat().st_size if parts else 0


def test_looking_up_says_the_size_and_fetches_nothing(server, place):
    offer = look_up(NAME, place)
    assert offer.total == offer.missing == len(WEIGHTS) + 2
    assert offer.licence == "apache-2.0"
    assert [file.name for file in offer.files] == ["config.json", "model.safetensors"]
    assert not server.served
    assert not place.folder.exists()


def test_a_fetched_model_is_whole_in_the_standard_cache_and_is_not_fetched_again(server, place):
    seen = []
    assert cached_folder(NAME, place) is None
    folder = fetch(look_up(NAME, place), place, lambda done, total: seen.append((done, total)))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert folder.name == REVISION
    assert cached_folder(NAME, place) == folder
    assert seen[0] == (0, len(WEIGHTS) + 2)
    assert seen[-1] == (len(WEIGHTS) + 2, len(WEIGHTS) + 2)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    again = look_up(NAME, place)
    assert again.missing == 0
    count = len(server.served)
    assert fetch(again, place) == folder
    assert len(server.served) == count


def test_a_stopped_download_goes_on_where_it_was(server, place):
    server.seconds_a_block = 0.002
    offer = look_up(NAME, place)
    reached = 0

    def advance(done: int, total: int) -> None:
        nonlocal reached
        reached = done

    with pytest.raises(DownloadCancelled):
        fetch(offer, place, advance, lambda: reached > 2**20)
    assert cached_folder(NAME, place) is None
    kept = leftover(place)
    assert kept > 2**20
    offer = look_up(NAME, place)
    assert offer.missing == offer.total - kept
    server.served.clear()
    folder = fetch(offer, place)
    assert ("model.safetensors", f"bytes={kept}-", None) in server.served
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_broken_connections_are_taken_up_again(server, place):
    server.break_after, server.breaks = 10**6, 2
    folder = fetch(look_up(NAME, place), place)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert server.sent < len(WEIGHTS) + 10**5, "nothing was fetched twice"


def test_a_server_that_cannot_continue_a_file_is_asked_for_all_of_it(server, place):
    server.ranges, server.break_after, server.breaks = False, 10**6, 1
    seen = []
    folder = fetch(look_up(NAME, place), place, lambda done, total: seen.append(done))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert max(seen) == len(WEIGHTS) + 2


def test_a_connection_that_always_breaks_ends_with_a_sentence(server, place):
    server.break_after = 0
    with pytest.raises(InputError, match=r"connection broke.*kept; try again"):
        fetch(look_up(NAME, place), place)


def test_damaged_weights_are_thrown_away(server, place):
    server.spoil = True
    with pytest.raises(InputError, match=r"model.safetensors of maker/model arrived damaged"):
        fetch(look_up(NAME, place), place)
    assert not leftover(place)
    assert cached_folder(NAME, place) is None


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (404, "RepoNotFound", "There is no model maker/model at 127.0.0.1, or it is private"),
        (401, "", "does not let you have maker/model.*hf auth login"),
        (403, "GatedRepo", "accepted its licence.*hf auth login"),
        (500, "", r"error \(500\)"),
    ],
)
def test_what_the_hub_refuses_is_explained(server, place, status, code, sentence):
    server.status, server.error_code = status, code
    with pytest.raises(InputError, match=sentence):
        look_up(NAME, place)


def test_a_file_that_is_gone_is_explained(server, place):
    offer = look_up(NAME, place)
    del server.repos[NAME]["model.safetensors"]
    with pytest.raises(InputError, match="lists a file of maker/model that it does not have"):
        fetch(offer, place)


def test_a_server_that_is_not_there_is_explained(tmp_path):
    with serve(FakeHub({})) as gone:
        pass
    with pytest.raises(InputError, match=r"127.0.0.1 cannot be reached"):
        look_up(NAME, Hub(endpoint=gone.address, cache=tmp_path))


def test_a_model_without_safetensors_is_refused(server, place):
    server.repos["maker/pickled"] = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}
    with pytest.raises(InputError, match=r"no .safetensors weights"):
        look_up("maker/pickled", place)


def test_a_server_cannot_choose_where_a_file_is_written(server, place, monkeypatch):
    monkeypatch.setattr("hub_server.hash_of", lambda data: "../../../precious")
    with pytest.raises(InputError, match="Check its address"):
        look_up(NAME, place)


def test_offline_asks_nobody(server, place):
    with pytest.raises(InputError, match="set to stay offline"):
        look_up(NAME, Hub(place.endpoint, offline=True, cache=place.cache))
    assert not server.served


def test_a_disk_that_is_too_small_is_told_before_the_first_byte(server, place, monkeypatch):
    offer = look_up(NAME, place)
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10**6))
    with pytest.raises(InputError, match=r"needs 3 MB more on the disk .* has 1 MB free"):
        fetch(offer, place)
    assert not server.served


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's full disk")
def test_a_disk_that_fills_up_meanwhile_is_told(server, place):
    offer = look_up(NAME, place)
    sha = next(file.sha256 for file in offer.files if file.sha256)
    blobs = place.folder / "models--maker--model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{sha}.sightline").symlink_to(Path("/dev/full"))
    with pytest.raises(InputError, match=r"disk of .* is full"):
        fetch(offer, place)


def test_the_login_goes_to_the_hub_and_not_to_a_mirror(server, place, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(look_up(NAME, place), place)
    assert {authorization for _, _, authorization in server.served} == {None}
    server.served.clear()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
    template = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    own = Hub(cache=place.folder.with_name("other"))
    fetch(look_up(NAME, own), own)
    assert "Bearer hf_secret" in {authorization for _, _, authorization in server.served}
    kept = "".join(
        str(path) + path.read_text(errors="replace") for path in own.folder.glob("**/*") if path.is_file()
    )
    assert "hf_secret" not in kept

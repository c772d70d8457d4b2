"""Downloads from a hub on this machine: whole, broken, stopped and taken up again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.errors import BadInput, BadUsage, EngineFailed, KoboldModulesError, NoModel, OutOfDisk
from kobold_modules.models.find import resolve
from kobold_modules.models.hub import download as downloading
from kobold_modules.models.hub.download import download
from kobold_modules.records import Done, Note, Progress, Record, Saved
from tests.models.fake_hub import COMMIT, FakeHub
from tests.models.small_gguf import header, llama_fields, llama_tensors


BIG = header(llama_fields(), llama_tensors()) + np.random.default_rng(1).bytes(3_000_000)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve a hub with two repositories; huggingface_hub in this process talks to it."""
    from huggingface_hub import constants

    config = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}).encode()
    fake = FakeHub(
        {
            "maker/story-GGUF": {"README.md": b"hello", "story.Q4_K_M.gguf": BIG, "story.Q8_0.gguf": BIG + b"8"},
            "maker/story": {
                "config.json": config,
                "tokenizer.json": b"{}",
                "model.safetensors": BIG,
                "pytorch_model.bin": b"pickle",
            },
        }
    )
    with fake.running():
        monkeypatch.setattr(constants, "ENDPOINT", fake.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", fake.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(downloading, "WAIT", 0.01)
        yield fake


def fetch(name: str) -> list[Record]:
    return list(download(name))


def test_one_file_with_progress(hub: FakeHub) -> None:
    records = fetch("maker/story-GGUF:Q4_K_M")

    saved = next(record for record in records if isinstance(record, Saved))
    assert Path(saved.path).read_bytes() == BIG
    assert saved.what == "model"
    assert records[-1] == Done("download")
    progress = [record for record in records if isinstance(record, Progress) and record.stage == "downloading"]
    assert [record.done for record in progress] == sorted(record.done for record in progress)
    assert (progress[-1].done, progress[-1].total) == (len(BIG), len(BIG))
    assert resolve("maker/story-GGUF").path == Path(saved.path)
    assert not list(Path(os.environ["HF_HUB_CACHE"]).rglob("*.incomplete"))
    assert not list(Path(os.environ["HF_HUB_CACHE"]).rglob("blobs/*.lock"))


def test_the_usual_choice_is_said(hub: FakeHub) -> None:
    records = fetch("maker/story-GGUF")

    assert any(isinstance(record, Note) and "this is story.Q4_K_M.gguf" in record.text for record in records)


def test_a_folder_without_its_pickle(hub: FakeHub) -> None:
    records = fetch("maker/story")

    folder = Path(next(record.path for record in records if isinstance(record, Saved)))
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert folder.name == COMMIT
    assert resolve("maker/story").path == folder


def test_what_is_here_is_not_fetched_twice(hub: FakeHub) -> None:
    fetch("maker/story")
    hub.asked.clear()

    assert fetch("maker/story")[-1] == Done("download")
    assert hub.ranges("model.safetensors") == []


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: FakeHub) -> None:
    hub.breaks, hub.break_after = 3, 700_000

    records = fetch("maker/story-GGUF:Q4_K_M")

    assert Path(next(r.path for r in records if isinstance(r, Saved))).read_bytes() == BIG
    ranges = hub.ranges("story.Q4_K_M.gguf")
    assert len(ranges) == 4
    assert ranges[0] == ""
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in ranges[1:]]
    assert starts == sorted(starts)
    assert starts[0] > 0


def test_a_connection_that_keeps_breaking_ends_in_a_sentence(hub: FakeHub) -> None:
    hub.breaks, hub.break_after = 99, 0

    with pytest.raises(EngineFailed, match="could not be fetched") as error:
        fetch("maker/story-GGUF:Q4_K_M")
    assert "what is here already is kept" in error.value.hint


def test_stopped_and_started_again(hub: FakeHub) -> None:
    hub.hold = threading.Event()
    stop = threading.Event()
    records: list[Record] = []
    for record in download("maker/story-GGUF:Q4_K_M", stop.is_set):
        records.append(record)
        if isinstance(record, Progress) and record.done > 0:
            stop.set()
    assert records[-1] == Done("stopped")
    assert "is kept" in next(record.text for record in records if isinstance(record, Note))
    hub.hold.set()
    (partial,) = Path(os.environ["HF_HUB_CACHE"]).rglob("*.incomplete")
    kept = partial.stat().st_size
    assert kept > 0

    assert fetch("maker/story-GGUF:Q4_K_M")[-1] == Done("download")
    assert hub.ranges("story.Q4_K_M.gguf")[-1].startswith("bytes=")


def test_a_killed_process_goes_on_where_it_was(hub: FakeHub, tmp_path: Path) -> None:
    hub.hold = threading.Event()
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "KOBOLD_MODULES_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "kobold_modules", "models", "--download", "maker/story-GGUF:Q4_K_M"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert hub.held.wait(300)
    blobs = tmp_path / "hub" / "models--maker--story-GGUF" / "blobs"
    while not any(file.stat().st_size > 2**20 for file in blobs.glob("*.incomplete")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    hub.hold.set()

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "story.Q4_K_M" in done.stdout
    start = int(hub.ranges("story.Q4_K_M.gguf")[-1].removeprefix("bytes=").removesuffix("-"))
    assert start >= 2**20
    (file,) = (tmp_path / "hub").rglob("story.Q4_K_M.gguf")
    assert file.read_bytes() == BIG


def test_damage_on_the_way_is_found(hub: FakeHub) -> None:
    hub.spoil.add("story.Q4_K_M.gguf")

    with pytest.raises(BadInput, match="arrived damaged"):
        fetch("maker/story-GGUF:Q4_K_M")

    hub.spoil.clear()
    assert fetch("maker/story-GGUF:Q4_K_M")[-1] == Done("download")


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("no such thing", BadUsage, "no name of a model on the hub"),
        ("maker/nothing", NoModel, "The hub has no model maker/nothing, or it is private"),
        ("maker/gated", NoModel, "accepted its terms"),
        ("maker/story-GGUF/other.gguf", NoModel, "no file other.gguf"),
    ],
)
def test_what_cannot_be_had_is_a_sentence(
    hub: FakeHub, name: str, kind: type[KoboldModulesError], sentence: str
) -> None:
    hub.repositories["maker/gated"] = {"config.json": b"{}"}
    hub.gated.add("maker/gated")

    with pytest.raises(kind, match=sentence):
        fetch(name)


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**6})())

    with pytest.raises(OutOfDisk, match="needs 3 MB of disk, and 1 MB is free"):
        fetch("maker/story-GGUF:Q4_K_M")
    assert hub.ranges("story.Q4_K_M.gguf") == []


def test_offline_stays_offline(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(BadUsage, match="HF_HUB_OFFLINE"):
        fetch("maker/story")
    assert hub.asked == []


def test_a_hub_that_is_not_there(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(EngineFailed, match="could not be fetched"):
        fetch("maker/story")


def test_a_model_that_is_not_here_says_how_to_get_it(hub: FakeHub) -> None:
    with pytest.raises(NoModel, match=r"maker/else:Q4_0 is not on this disk") as error:
        resolve("maker/else:Q4_0")
    assert "kobold-modules models --download maker/else:Q4_0" in error.value.hint

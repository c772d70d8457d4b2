"""The command line as a person meets it: verbs, sentences, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module


def module(name: str = "noir", width: int = 320, **card: Any) -> Module:
    vectors = np.random.default_rng(1).normal(0, 0.04, (5, width)).astype(np.float32)
    return Module(vectors, Card(name, **card), vectors * 0.9)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])

    out = capsys.readouterr().out
    assert exit_.value.code == 0
    for verb in [
        "demo",
        "train",
        "generate",
        "compare",
        "measure",
        "list",
        "show",
        "import",
        "export",
        "check",
        "remove",
        "rename",
        "models",
        "where",
        "doctor",
    ]:
        assert f"\n    {verb} " in out


def test_an_unknown_verb_is_bad_usage() -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["trian"])

    assert exit_.value.code == 2


def test_the_interface_without_a_terminal_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys)

    assert code == 2
    assert "needs a terminal" in err


def test_an_empty_library_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "list")

    assert (code, out) == (0, "")
    assert "demo" in err


def test_a_module_goes_in_is_listed_renamed_shown_exported_and_removed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kobold.write(module(model="starter", description="Short sentences."), tmp_path / "noir.zip")

    assert run(capsys, "import", str(tmp_path / "noir.zip"))[0] == 0
    assert lines(run(capsys, "list", "--json")[1])[0]["name"] == "noir"
    assert run(capsys, "rename", "noir", "black")[0] == 0
    assert "Short sentences." in run(capsys, "show", "black")[1]
    assert run(capsys, "export", "black", "--out", str(tmp_path / "again.zip"))[0] == 0
    assert np.array_equal(kobold.read(tmp_path / "again.zip").vectors, module().vectors)
    assert run(capsys, "remove", "black")[0] == 0
    assert run(capsys, "list", "--json")[1] == ""


def test_check_says_where_a_file_loads(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kobold.write(module(), tmp_path / "noir.zip")

    code, out, _ = run(capsys, "check", str(tmp_path / "noir.zip"))

    assert code == 0
    assert "KoboldAI" in out


def test_a_module_of_another_width_does_not_fit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path
) -> None:
    kobold.write(module(width=64), tmp_path / "narrow.zip")

    code, _, err = run(capsys, "generate", "--module", str(tmp_path / "narrow.zip"), "--prompt", "It was")

    assert code == 4
    assert "64 wide" in err
    assert run(capsys, "check", str(tmp_path / "narrow.zip"), "--model", "starter")[0] == 4


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("book.pdf", b"%PDF-1.7\n...", "PDF"),
        ("empty.txt", b"", "empty"),
        ("short.txt", b"One line.\nTwo lines.\nThree lines.\n", "words"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n\0\0\0", "picture.txt"),
    ],
)
def test_a_text_that_cannot_be_trained_on_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)

    code, out, err = run(capsys, "train", str(tmp_path / name), "--name", "x")

    assert code == 3
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert not Library().entries()


def test_a_missing_model_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "generate", "--model", "/no/such.gguf", "--prompt", "It was")

    assert code == 3
    assert "There is no model at /no/such.gguf." in err


def test_a_zip_with_nan_and_a_truncated_zip_are_one_sentence_each(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import io
    import zipfile

    vectors = np.full((2, 320), np.nan, np.float32)
    buffer = io.BytesIO()
    np.save(buffer, vectors)
    with zipfile.ZipFile(tmp_path / "nan.zip", "w") as archive:
        archive.writestr("tensor.npy", buffer.getvalue())
        archive.writestr("meta.json", '{"name": "x", "description": ""}')
    kobold.write(module(), tmp_path / "whole.zip")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "whole.zip").read_bytes()[:700])

    for name, says in (("nan.zip", "NaN"), ("cut.zip", "cut.zip")):
        code, _, err = run(capsys, "import", str(tmp_path / name))
        assert code == 3
        assert says in err
        assert err.startswith("error: ")


def test_errors_are_records_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "show", "nobody", "--json")

    (record,) = lines(out)
    assert (code, err) == (3, "")
    assert (record["record"], record["code"]) == ("failed", 3)


def test_where_follows_the_home_variable(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (places,) = lines(run(capsys, "where", "--json")[1])

    assert places["modules"] == str(home / "data" / "modules")


def test_models_lists_the_starter_first(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    first = lines(run(capsys, "models", "--json")[1])[0]

    assert (first["name"], first["width"], first["context"]) == ("starter", 320, 1024)


def test_generate_streams_text_that_the_seed_decides(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    arguments = ("generate", "--prompt", "The door opened, and", "--max-tokens", "12", "--seed", "5")

    code, first, _ = run(capsys, *arguments)
    _, second, _ = run(capsys, *arguments)

    assert code == 0
    assert first == second
    assert first.startswith("The door opened, and")
    assert len(first) > len("The door opened, and") + 10


def test_compare_writes_each_stack_under_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path
) -> None:
    Library().add(module())

    code, out, err = run(
        capsys, "compare", "--stack", "none", "--stack", "noir:0.5", "--prompt", "She", "--max-tokens", "5"
    )

    assert code == 0
    assert "── no module" in out
    assert "── noir ×0.5" in out
    assert "try it and judge" in err


def test_dry_run_trains_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path) -> None:
    (tmp_path / "pages.txt").write_text("The lift stopped between floors. Nobody spoke.\n\n" * 100)

    code, out, _ = run(capsys, "train", str(tmp_path / "pages.txt"), "--name", "x", "--dry-run", "--json")

    assert code == 0
    assert lines(out)[-1]["words"] == 700
    assert not Library().entries()

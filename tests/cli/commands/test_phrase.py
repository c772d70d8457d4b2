"""``phrase`` prints text to paste and what it is worth, and says in a sentence what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.cli.commands.phrase import _module_first
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module


NOIR = Path(__file__).resolve().parents[3] / "sample_texts" / "noir" / "the-long-drop.txt"
QUICK = ("--passages", "1", "--words", "60", "--candidates", "4")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Return a text of some 2,500 words."""
    path = tmp_path / "pages.txt"
    path.write_text(NOIR.read_text(encoding="utf-8")[:14_000], encoding="utf-8")
    return path


def test_it_prints_the_phrase_and_what_each_is_worth(
    pages: Path, starter: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "memory.txt"
    code = main(["phrase", str(pages), "--model", str(starter), "--out", str(out), *QUICK])
    said = capsys.readouterr()

    assert code == 0
    assert out.read_text(encoding="utf-8") == said.out.removesuffix("\n")
    assert " ".join(said.out.split()) in " ".join(pages.read_text(encoding="utf-8").split())
    for line in ("nothing", "a plain description", "this phrase"):
        assert line in said.err


def test_json_is_one_object_with_the_numbers(pages: Path, starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["phrase", str(pages), "--model", str(starter), "--json", "--description", "A crime story.", *QUICK])
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)

    assert code == 0
    assert [front["front"] for front in found["fronts"]] == ["nothing", "description", "phrase"]
    assert found["fronts"][1]["text"] == "A crime story.\n\n"
    nothing, _, phrase = found["fronts"]
    assert nothing["tokens"] == 0
    assert phrase["gain"] == pytest.approx(1 - phrase["bits_per_byte"] / nothing["bits_per_byte"], abs=1e-4)
    assert found["phrase"].strip() == "\n\n".join(one["text"] for one in found["passages"])
    assert not found["stopped"]


def test_a_module_is_measured_beside_it(pages: Path, starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = ["train", str(pages), "--name", "mine", "--model", str(starter), "--steps", "2", "--tokens", "8"]
    assert main([*trained, "--row", "64", "--batch", "2"]) == 0
    capsys.readouterr()

    code = main(["phrase", str(pages), "--model", str(starter), "--module", "mine", "--json", *QUICK])
    found = json.loads(capsys.readouterr().out)

    assert code == 0
    assert found["fronts"][-1]["front"] == "module"
    assert found["fronts"][-1]["tokens"] == 8


def test_of_a_module_it_has_a_share_of_its_effect(
    pages: Path, starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its model and its pages are found from its name alone."""
    trained = ["train", str(pages), "--name", "mine", "--model", str(starter), "--steps", "2", "--tokens", "8"]
    assert main([*trained, "--row", "64", "--batch", "2"]) == 0
    capsys.readouterr()

    code = main(["phrase", "mine", "--json", *QUICK])
    found = json.loads(capsys.readouterr().out)

    assert code == 0
    assert found["of"] == "mine"
    assert found["measured_on"] == "held-out pages"
    assert [front["front"] for front in found["fronts"]][-1] == "module"
    assert found["fronts"][0]["effect"] == 0
    assert found["fronts"][-1]["effect"] == 1

    assert main(["phrase", "mine", "--module", "mine"]) == 2
    assert "mine is what the phrase is compared with" in capsys.readouterr().err


def test_a_file_of_pages_comes_before_a_module_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Library().add(Module(np.ones((2, 3), np.float32), Card("pages.txt")))
    Library().add(Module(np.ones((2, 3), np.float32), Card("mine")))

    assert _module_first(["pages.txt"]) == ("", ["pages.txt"])
    assert _module_first(["mine", "pages.txt"]) == ("mine", ["pages.txt"])
    assert _module_first(["nobody.txt"]) == ("", ["nobody.txt"])


@pytest.mark.parametrize("search", ["autoprompt", "pez", "gcg"])
def test_words_are_searched_by_gradient(
    pages: Path, starter: Path, capsys: pytest.CaptureFixture[str], search: str
) -> None:
    options = ["--search", search, "--tokens", "4", "--steps", "2"]
    code = main(["phrase", str(pages), "--model", str(starter), "--json", *options])
    found = json.loads(capsys.readouterr().out)

    assert code == 0
    assert found["search"] == search
    assert found["passages"] == []
    assert found["phrase"].strip().isprintable()
    assert [front["front"] for front in found["fronts"]] == ["nothing", "description", "phrase"]
    assert found["fronts"][2]["text"] == found["phrase"]


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--passages", "4"], 2, "A phrase of 4 passages cannot be searched"),
        (["--words", "5"], 2, "A phrase of 5 words cannot be searched"),
        (["--candidates", "1"], 2, "1 candidates cannot be tried"),
        (["--search", "pez", "--tokens", "0"], 2, "A phrase of 0 tokens cannot be searched"),
        (["--search", "pez", "--steps", "0"], 2, "A search cannot take 0 steps"),
        (["--module", "nobody"], 3, "nobody"),
        (["--out", "."], 2, "."),
    ],
)
def test_bad_usage_is_a_sentence(
    pages: Path, starter: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, sentence: str
) -> None:
    assert main(["phrase", str(pages), "--model", str(starter), *options]) == code
    said = capsys.readouterr()

    assert sentence in said.err
    assert said.out == ""


def test_too_little_text_is_a_sentence(tmp_path: Path, starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = tmp_path / "short.txt"
    short.write_text(NOIR.read_text(encoding="utf-8")[:3_000], encoding="utf-8")

    assert main(["phrase", str(short), "--model", str(starter)]) == 3
    assert "too little text" in capsys.readouterr().err.lower()

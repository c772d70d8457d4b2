"""Next words, log-probabilities and nearest words from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold
from kobold_modules.soft_prompt.module import Card, Module
from tests.backends import tiny_folder


@pytest.fixture
def noir(tmp_path: Path) -> str:
    vectors = np.random.default_rng(1).normal(0, 0.3, (5, 64)).astype(np.float32)
    kobold.write(Module(vectors, Card("noir")), tmp_path / "noir.zip")
    return str(tmp_path / "noir.zip")


@pytest.fixture
def model(stories: Path) -> str:
    return str(stories / "stories260K-F16.gguf")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_peek_is_a_table_with_both_sides(capsys: pytest.CaptureFixture[str], model: str, noir: str) -> None:
    options = ("generate", "--model", model, "--module", noir, "--prompt", "Once upon a", "--peek", "4")
    code, out, _ = run(capsys, *options)
    assert code == 0
    heading, *rows = out.splitlines()
    assert heading.split() == ["noir", "with", "without", "no", "module", "alone"]
    assert len(rows) == 4
    found = objects(run(capsys, *options, "--json")[1])[0]["peek"]
    assert [len(found["with"]), len(found["without"])] == [4, 4]
    assert found["without"][0]["text"].strip() in rows[0]


def test_best_prints_the_likeliest_and_lists_the_others(capsys: pytest.CaptureFixture[str], model: str) -> None:
    options = ("generate", "--model", model, "--prompt", "Once", "--best", "3", "--max-tokens", "12", "--seed", "5")
    code, out, err = run(capsys, *options)
    assert code == 0
    assert out.startswith("Once")
    takes = objects(run(capsys, *options, "--json")[1])
    assert [take["rank"] for take in takes] == [1, 2, 3]
    assert {take["seed"] for take in takes} == {5, 6, 7}
    assert takes[0]["nats_per_token"] <= takes[1]["nats_per_token"] <= takes[2]["nats_per_token"]
    assert out.strip() == "Once" + takes[0]["text"].rstrip()
    assert f"{takes[2]['nats_per_token']:.3f}" in err


def test_a_text_is_measured_token_by_token(
    capsys: pytest.CaptureFixture[str], model: str, noir: str, tmp_path: Path
) -> None:
    (tmp_path / "page.txt").write_text("Once upon a time there was a cat. " * 9, encoding="utf-8")
    options = ("measure", "--model", model, "--module", noir, "--text", str(tmp_path / "page.txt"), "--per-token")
    code, out, err = run(capsys, *options)
    assert code == 0
    assert "nats/token without" in err
    assert "[-" in out or "[+" in out
    found = objects(run(capsys, *options, "--json")[1])[0]
    assert len(found["tokens"]) == len(found["with"]) == len(found["without"])
    assert "".join(found["tokens"]).startswith("Once upon a time")


def test_colours_say_what_a_module_changed() -> None:
    from kobold_modules.answers import Scores
    from kobold_modules.cli.commands.inspect import _coloured

    scores = Scores(("a", " b\nb", " c", " d"), (None, -1.0, -5.0, -2.0), (None, -3.0, -2.0, -2.1))
    assert _coloured(scores, False) == "a b\nb[+2.0] c[-3.0] d"
    coloured = _coloured(scores, True)
    assert coloured.startswith("a\x1b[48;5;28m b\x1b[0m\n\x1b[48;5;28mb\x1b[0m\x1b[48;5;88m c")
    assert coloured.endswith(" d")


def test_show_names_the_nearest_words_and_says_what_to_think_of_them(
    capsys: pytest.CaptureFixture[str], model: str, noir: str
) -> None:
    code, out, err = run(capsys, "show", noir, "--nearest", "2", "--model", model)
    assert code == 0
    assert len(out.splitlines()) == 6
    assert "curiosity" in err
    found = objects(run(capsys, "show", noir, "--nearest", "2", "--model", model, "--json")[1])[0]
    assert [len(row) for row in found["nearest"]] == [2] * 5
    assert "curiosity" in found["note"].lower()
    assert [place["change"] for place in found["places"]] == [None] * 5  # the file does not hold its start
    assert all(place["from_words"] > 0 and place["word"] for place in found["places"])


def test_show_says_what_each_vector_is_worth_on_a_page(
    capsys: pytest.CaptureFixture[str], model: str, noir: str, tmp_path: Path
) -> None:
    """Issue 17, 5: the best first, and that worths do not add up."""
    page = tmp_path / "page.txt"
    page.write_text("Once upon a time there was a cat that lived by the sea. " * 9, encoding="utf-8")
    code, out, err = run(capsys, "show", noir, "--worth", str(page), "--model", model)
    assert code == 0
    worths = [float(line.split()[1]) for line in out.splitlines()[1:]]
    assert len(worths) == 5
    assert worths == sorted(worths, reverse=True)
    assert "do not add up" in err
    found = objects(run(capsys, "show", noir, "--worth", str(page), "--model", model, "--json")[1])[-1]
    assert sorted(found["worth"], reverse=True) == pytest.approx(worths, abs=1e-4)


def test_what_a_vector_is_worth_needs_a_page(capsys: pytest.CaptureFixture[str], model: str, noir: str) -> None:
    code, _, err = run(capsys, "show", noir, "--worth", "--model", model)
    assert code == 3
    assert "not where they were" in err


def test_a_folder_writes_is_peeked_and_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = str(tiny_folder.write(tmp_path / "tiny"))
    options = ("--model", folder, "--prompt", "The rain", "--max-tokens", "6", "--seed", "1")
    code, out, _ = run(capsys, "generate", *options)
    assert code == 0
    assert out.startswith("The rain")
    assert run(capsys, "generate", *options)[1] == out
    assert run(capsys, "generate", *options, "--peek")[0] == 0
    assert run(capsys, "compare", *options, "--stack", "none", "--stack", "none")[0] == 0
    vectors = np.random.default_rng(1).normal(0, 0.3, (3, 32)).astype(np.float32)
    kobold.write(Module(vectors, Card("tiny")), tmp_path / "tiny.zip")
    code, out, _ = run(capsys, "show", str(tmp_path / "tiny.zip"), "--nearest", "--model", folder)
    assert code == 0
    assert len(out.splitlines()) == 4


def test_what_does_not_go_together_is_bad_usage(capsys: pytest.CaptureFixture[str], model: str) -> None:
    options = ("generate", "--model", model, "--prompt", "a", "--peek")
    assert run(capsys, *options, "3", "--best", "2")[0] == 2
    assert run(capsys, *options, "0")[0] == 2
    assert run(capsys, "generate", "--model", model, "--prompt", "a", "--best", "0")[0] == 2


def test_a_space_at_the_end_does_not_change_the_likeliest_words(
    capsys: pytest.CaptureFixture[str], starter: Path
) -> None:
    """G09: the first rows for a text are those for the same text with a space behind it."""
    tables = [run(capsys, "generate", "--peek", "5", "--prompt", "The lift stopped." + end)[1] for end in ("", " ")]
    words = [[line.split()[0] for line in table.splitlines()[1:]] for table in tables]
    spaced = [word for word in words[0] if word.startswith("␣")]
    assert spaced
    assert words[1][: len(spaced)] == spaced

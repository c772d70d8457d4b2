"""G13: output survives any encoding of the terminal or pipe it goes to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kobold_modules.cli.code_page import plain


PROMPT = "The sign said “café” — Łódź… 😀 日本"


def generate(home: Path, environment: dict[str, str], *arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "kobold_modules", "generate", "--max-tokens", "3", "--temperature", "0", *arguments],
        capture_output=True,
        env={**os.environ, "KOBOLD_MODULES_HOME": str(home), **environment},
        check=False,
    )


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", 'The sign said "cafe" -- Lodz... ? ??'),
        ("cp1252", "The sign said “café” — Lódz… ? ??"),
        ("latin-1", 'The sign said "café" -- Lódz... ? ??'),
        ("cp437", 'The sign said "café" -- Lódz... ? ??'),
        ("utf-8", PROMPT),
    ],
)
def test_a_text_in_any_code_page(home: Path, starter: Path, encoding: str, shown: str) -> None:
    done = generate(home, {"PYTHONIOENCODING": encoding}, "--prompt", PROMPT)

    assert done.returncode == 0
    assert done.stdout.decode(encoding).startswith(shown)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_is_ascii_or_utf_8_and_says_the_same(home: Path, starter: Path, encoding: str) -> None:
    """An id that no code page has comes back whole, from a batch too."""
    batch = home.parent / "batch.jsonl"
    batch.write_text(json.dumps({"id": "日本 \udcff", "prompt": "The lift", "max_tokens": 2}))
    done = generate(home, {"PYTHONIOENCODING": encoding}, "--batch", str(batch), "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout.decode("utf-8"))["id"].startswith("日本")
    assert encoding == "utf-8" or done.stdout.isascii()


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes")
def test_a_file_name_that_is_no_text(home: Path) -> None:
    done = generate(home, {"PYTHONIOENCODING": "utf-8"}, "--prompt-file", b"/nowhere/b\xff.txt")
    assert done.returncode == 3
    assert "/nowhere/b\ufffd.txt cannot be read" in done.stderr.decode("utf-8")

    done = generate(home, {"PYTHONIOENCODING": "utf-8"}, "--json", "--prompt-file", b"/nowhere/b\xff.txt")
    assert "/nowhere/b\ufffd.txt cannot be read" in json.loads(done.stdout.decode("utf-8"))["message"]


@pytest.mark.skipif(os.name != "posix", reason="arguments are bytes")
@pytest.mark.parametrize(
    ("environment", "prompt"),
    [
        ({"PYTHONIOENCODING": "utf-8"}, "She left the café".encode("cp1252")),
        (
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"},
            "She left the café".encode(),
        ),
    ],
)
def test_a_prompt_typed_in_another_encoding_is_read(
    home: Path, starter: Path, environment: dict[str, str], prompt: bytes
) -> None:
    done = generate(home, environment, "--prompt", prompt)

    assert done.returncode == 0
    assert done.stdout.decode().startswith("She left the café")


@pytest.mark.parametrize("verb", ["generate", "train", "models"])
def test_help_in_ascii(home: Path, verb: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kobold_modules", verb, "--help"],
        capture_output=True,
        env={**os.environ, "KOBOLD_MODULES_HOME": str(home), "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_plain() -> None:
    assert plain("“Æther,” she said — naïve… ▁") == '"AEther," she said -- naive... ?'
    assert plain("e\u0301t\u00e9 ½") == "ete 12"
    assert plain("a\udcffb") == r"a\xffb"


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes")
def test_a_model_and_a_text_under_names_that_are_no_text(home: Path, stories: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(home.parent) + b"/odd\xff"))
    folder.mkdir()
    shutil.copy(stories / "stories260K-F16.gguf", folder / "m\udcfe.gguf")
    (folder / "p\udcfe.txt").write_text("The lift stopped.")
    names = ("--model", os.fsencode(folder / "m\udcfe.gguf"), "--prompt-file", os.fsencode(folder / "p\udcfe.txt"))
    done = generate(home, {"PYTHONIOENCODING": "utf-8"}, *names, "--out", os.fsencode(folder / "o\udcfe.txt"))

    assert done.returncode == 0, done.stderr
    assert (folder / "o\udcfe.txt").read_text().startswith("The lift stopped.")
    again = generate(home, {"PYTHONIOENCODING": "utf-8"}, "--replay", "last", "--json")
    assert json.loads(again.stdout.splitlines()[-1])["identical"] is True

"""``measure`` with deep prefixes: alone, and in a stack with rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.cli import main


VOICES = Path(__file__).resolve().parents[2] / "data" / "pages"


def test_a_deep_prefix_is_measured_alone_and_among_rows(
    stories: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(stories / "stories260K-F32.gguf")]
    train = ["train", str(VOICES / "farce"), *model, "--tokens", "8", "--row", "64"]
    assert main([*train, "--steps", "20", "--name", "deep", "--method", "prefix"]) == 0
    assert main([*train, "--steps", "4", "--name", "rows"]) == 0
    text = tmp_path / "page.txt"
    text.write_text(next((VOICES / "farce").glob("*.txt")).read_text(encoding="utf-8")[:3000], encoding="utf-8")
    capsys.readouterr()

    def measured(*modules: str) -> dict[str, Any]:
        named = [part for name in modules for part in ("--module", name)]
        assert main(["measure", *model, *named, "--text", str(text), "--json"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        found: dict[str, Any] = next(line for line in lines if "bits_per_byte" in line)["bits_per_byte"]
        return found

    alone, among = measured("deep"), measured("deep", "rows")
    assert alone["with"] < alone["without"]
    assert among["with"] != alone["with"]
    assert measured("rows", "deep")["with"] != among["with"]

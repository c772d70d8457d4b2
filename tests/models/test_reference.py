"""A model on disk: what is read of it, and how often."""

from __future__ import annotations

import ast
import os
import time
from pathlib import Path

import pytest

from kobold_modules.backends.open import open_engine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.errors import NoModel
from kobold_modules.forward import parity
from kobold_modules.models.facts import Facts
from kobold_modules.models.find import resolve
from kobold_modules.models.headers import gguf, once
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.fingerprint import Fit


HOUSE = Path(__file__).parents[2]


def test_the_starter_card(starter: Path) -> None:
    model = resolve("starter")

    assert (model.facts.architecture, model.facts.context, model.facts.weights) == ("llama", 1024, "F16")
    assert model.fingerprint.width == 320


def test_one_model_in_three_formats_is_the_same_model(stories: Path) -> None:
    prints = [
        ModelFile.at(stories / name).fingerprint
        for name in ("stories260K-F32.gguf", "stories260K-F16.gguf", "stories260K-hf")
    ]

    assert all(a.fit(b) is Fit.SAME for a in prints for b in prints)


def test_two_models_are_not_the_same(stories: Path, starter: Path) -> None:
    ours = ModelFile.at(stories / "stories260K-F16.gguf").fingerprint
    assert ours.fit(ModelFile.at(starter).fingerprint) is Fit.MISMATCH


def test_a_truncated_file_is_one_sentence(tmp_path: Path, starter: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(starter.read_bytes()[:5000])

    with pytest.raises(NoModel, match="damaged or unfinished"):
        _ = resolve(str(tmp_path / "cut.gguf")).facts


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return every header that is parsed from now on, by the name of its file."""
    found: list[str] = []
    real = gguf._Reader.read

    def read(self: gguf._Reader) -> gguf.GgufHeader:
        found.append(Path(self._file.name).name)
        return real(self)

    monkeypatch.setattr(gguf._Reader, "read", read)
    return found


def of_long_ago(path: Path, source: Path) -> Path:
    """Make a copy that this process has not read, and that nobody has just written."""
    path.write_bytes(source.read_bytes())
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_loading_a_model_to_write_parses_its_header_once(
    tmp_path: Path, stories: Path, parsed: list[str], home: Path
) -> None:
    """HOUSE: one load parsed it 4 times."""
    path = of_long_ago(tmp_path / "story.gguf", stories / "stories260K-F16.gguf")
    open_engine(resolve(str(path))).close()
    assert parsed == ["story.gguf"]


def test_loading_a_model_to_train_and_checking_it_parses_its_header_once(
    tmp_path: Path, stories: Path, parsed: list[str], home: Path
) -> None:
    """HOUSE: one load and its check against llama.cpp parsed it 8 times."""
    file = resolve(str(of_long_ago(tmp_path / "story.gguf", stories / "stories260K-F16.gguf")))
    parity.check(file, load_torch_model(file, "cpu"))
    assert parsed == ["story.gguf"]


def test_a_file_that_has_changed_is_read_again(tmp_path: Path, stories: Path, starter: Path) -> None:
    path = of_long_ago(tmp_path / "story.gguf", stories / "stories260K-F16.gguf")
    before = ModelFile.at(path).facts
    path.write_bytes(starter.read_bytes())
    assert ModelFile.at(path).facts != before


def test_a_file_of_this_moment_is_read_again_even_if_size_and_date_are_the_same(
    tmp_path: Path, stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "SETTLED", 10**9 * 3600)  # a tenth of a second is soon over on a busy machine
    path = tmp_path / "story.gguf"
    data = (stories / "stories260K-F16.gguf").read_bytes()
    path.write_bytes(data)
    now = time.time_ns()
    os.utime(path, ns=(now, now))
    assert ModelFile.at(path).facts.architecture == "llama"
    path.write_bytes(data.replace(b"llama", b"lamma"))
    os.utime(path, ns=(now, now))
    assert ModelFile.at(path).facts.architecture == "lamma"


def test_what_an_earlier_search_read_is_not_read_again(tmp_path: Path) -> None:
    facts = Facts("llama", "Q4_K_M")
    assert ModelFile("gone", tmp_path / "gone.gguf", "gguf", known=facts).facts is facts


def test_no_second_class_says_which_model_it_is_about() -> None:
    """HOUSE: a model is a reference until it is loaded, and then what its backend holds."""
    found = set()
    for room in ("models", "backends", "generation"):
        for file in (HOUSE / "kobold_modules" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    lines = [line.target for line in node.body if isinstance(line, ast.AnnAssign)]
                    fields = {target.id for target in lines if isinstance(target, ast.Name)}
                    if "name" in fields and fields & {"path", "file", "fingerprint", "architecture"}:
                        found.add(node.name)
    assert found == {"ModelFile", "TorchModel"}

"""A module carried over: its rows mapped or as they are, its gain measured on both sides, and a training behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.quantise import quantise, widen
from kobold_modules.errors import BadUsage, WrongModel
from kobold_modules.evaluation.interval import Gain
from kobold_modules.evaluation.own_words import words_as_rows
from kobold_modules.library.library import Library
from kobold_modules.models.reference import ModelFile
from kobold_modules.phrases.measuring import Front
from kobold_modules.porting.port import Ported, port
from kobold_modules.porting.settings import PortRequest
from kobold_modules.records import Note
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix, with_rows
from kobold_modules.soft_prompt.fingerprint import Fit
from kobold_modules.soft_prompt.module import Card
from tests.finished import finished


NOIR = Path(__file__).resolve().parents[2] / "sample_texts" / "noir" / "the-long-drop.txt"


@pytest.fixture(scope="session")
def wide(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that computes what the starter does and is wider: as of one family as two models can be."""
    path = tmp_path_factory.mktemp("wide") / "wide.gguf"
    widen(starter, path)
    return path


@pytest.fixture(scope="session")
def eight_bits(stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eight") / "stories-Q8_0.gguf"
    quantise(stories / "stories260K-F32.gguf", path, "Q8_0")
    return path


@pytest.fixture
def pages(tmp_path: Path) -> str:
    """Return a text of some 2,500 words."""
    path = tmp_path / "pages.txt"
    path.write_text(NOIR.read_text(encoding="utf-8")[:14_000], encoding="utf-8")
    return str(path)


def kept_module(model: Path, words: str = "I lit a cigarette and watched the rain on the window of the bar. ") -> None:
    """Put a module called noir into the library: words of the style, as rows of ``model``."""
    from kobold_modules.backends.tokenizer import load_vocabulary

    file = ModelFile.at(model)
    module = words_as_rows(file, load_vocabulary(file).tokenize(words), "noir")
    Library().add(module.with_card(model=str(model)))


def test_a_module_is_mapped_to_a_wider_model_of_its_family_and_keeps_its_gain(
    starter: Path, wide: Path, pages: str
) -> None:
    kept_module(starter)

    found, _ = finished(port(PortRequest(module="noir", target=str(wide), texts=(pages,), train=False)))
    module, before = (with_rows(Library().find(name)) for name in ("noir for wide", "noir"))

    assert (found.way, found.name) == ("least squares", "noir for wide")
    assert found.explained > 0.99
    assert np.allclose(module.vectors[:, : before.width], before.vectors, atol=0.05 * before.vectors.std())
    assert module.card.fingerprint is not None
    assert module.card.fingerprint.fit(ModelFile.at(wide).fingerprint) is Fit.SAME
    assert module.card.training["ported_from_digest"] == before.digest
    assert [front.name for front in found.fronts] == ["nothing", "ported"]
    assert found.before is not None
    assert found.before.share > 0
    assert found.kept("ported") == pytest.approx(1, abs=0.1)


def test_on_another_quantisation_the_rows_stay_and_are_trained_on(stories: Path, eight_bits: Path, pages: str) -> None:
    source = stories / "stories260K-F32.gguf"
    kept_module(source, "Once upon a time there was a dog. ")
    request = PortRequest(module="noir", target=str(eight_bits), settle=True, texts=(pages,), steps=3, name="settled")

    found, _ = finished(port(request))
    module = Library().find("settled")

    assert found.way == "rows as they are"
    assert [front.name for front in found.fronts] == ["nothing", "ported", "trained"]
    assert found.fronts[2].bits_per_byte <= found.fronts[1].bits_per_byte + 1e-3
    assert module.card.training["steps"] == 3
    assert module.card.training["ported_from"] == "noir"
    assert module.card.training["start"] == "module"
    assert module.card.model == eight_bits.stem


def test_without_pages_it_is_carried_over_and_says_that_it_was_not_measured(stories: Path, eight_bits: Path) -> None:
    kept_module(stories / "stories260K-F32.gguf")

    found, seen = finished(port(PortRequest(module="noir", target=str(eight_bits))))

    assert found.fronts == ()
    assert [record.text for record in seen if isinstance(record, Note)] == [
        "Without its pages it was neither measured nor trained: name them with --text FILE."
    ]
    assert Library().find(found.name).tokens == Library().find("noir").tokens


def test_what_splits_text_differently_is_refused_and_nothing_is_kept(starter: Path, stories: Path) -> None:
    kept_module(starter)

    with pytest.raises(WrongModel, match="split text differently"):
        finished(port(PortRequest(module="noir", target=str(stories / "stories260K-F16.gguf"))))
    assert [entry.name for entry in Library().entries()] == ["noir"]


def test_a_deep_prefix_is_refused_with_what_to_do(stories: Path, eight_bits: Path) -> None:
    cache = np.zeros((5, 4, 3, 8), np.float32)
    Library().add(DeepPrefix(cache, cache, Card("deep", model=str(stories / "stories260K-F32.gguf"))))

    with pytest.raises(WrongModel, match="is a deep prefix") as refused:
        finished(port(PortRequest(module="deep", target=str(eight_bits))))
    assert "distil" in refused.value.hint


def test_settling_is_for_other_weights_of_the_same_model(starter: Path, wide: Path) -> None:
    kept_module(starter)

    with pytest.raises(WrongModel, match="no other quantisation") as refused:
        finished(port(PortRequest(module="noir", target=str(wide), settle=True)))
    assert "port noir --to wide" in refused.value.hint


def test_a_taken_name_is_refused_before_anything_else(stories: Path, eight_bits: Path) -> None:
    kept_module(stories / "stories260K-F32.gguf")

    with pytest.raises(BadUsage, match="already a module called noir"):
        finished(port(PortRequest(module="noir", target=str(eight_bits), name="noir")))


def test_what_is_kept_is_a_share_of_the_gain_before() -> None:
    def front(name: str, gain: float) -> Front:
        return Front(name, "", 8, 1.0, 1.0, Gain(gain))

    found = Ported("x", "least squares", 9, 0.9, Gain(0.04), (front("ported", 0.01), front("trained", 0.05)), 100)

    assert found.kept("ported") == pytest.approx(0.25)
    assert found.kept("trained") == pytest.approx(1.25)
    assert found.kept("nothing") is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target": ""}, "Which model"),
        ({"target": "x", "minutes": 0.0}, "--minutes must be above 0"),
        ({"target": "x", "steps": 0}, "--steps must be at least 1"),
    ],
)
def test_bad_usage_is_a_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadUsage, match=sentence):
        PortRequest(module="noir", **options)  # type: ignore[arg-type]

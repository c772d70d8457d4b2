"""Tokens that two models share: by their bytes, whatever their numbers are."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.errors import WrongModel
from kobold_modules.models.reference import ModelFile
from kobold_modules.porting.shared_vocabulary import must_be_of_one_family, shared_vocabulary


def test_two_files_of_one_model_share_all(stories: Path) -> None:
    source, target = (ModelFile.at(stories / name) for name in ("stories260K-F16.gguf", "stories260K-hf"))
    shared = shared_vocabulary(source, target)

    assert shared.share > 0.95
    assert (shared.source == shared.target).mean() > 0.95
    assert len(set(shared.source.tolist())) == len(shared.source)
    must_be_of_one_family(shared, source, target)


def test_models_that_split_text_differently_are_refused(stories: Path, starter: Path) -> None:
    source, target = ModelFile.at(starter), ModelFile.at(stories / "stories260K-F16.gguf")
    shared = shared_vocabulary(source, target)

    with pytest.raises(WrongModel, match=r"share [\d,]+ tokens, \d+% of a vocabulary") as refused:
        must_be_of_one_family(shared, source, target)
    assert refused.value.exit_code == 4
    assert "Train it again on" in refused.value.hint

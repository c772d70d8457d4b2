"""A world module from a lorebook to the library, through the pipeline a person starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.errors import BadText, BadUsage
from kobold_modules.library.library import Library
from kobold_modules.records import Note, Recall, Record, TrainedModule
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.training import TrainingRequest
from kobold_modules.training.pipeline import train
from kobold_modules.training.world.recipe import advised_tokens


ENTRIES = {
    "Marrow Ferry": "The ferry of Anne Holt. It crosses the Marrow twice a day and is pulled by two grey oxen.",
    "Anne Holt": "The ferrywoman. She was born in Tolling in 311 and has a wooden hand, which she paints green.",
    "Tolling": "A village of potters on the north bank. Its kilns burn peat, and its bell has no clapper.",
    "The Marrow": "A brown river that freezes from below. Nobody swims in it but the mayor of Tolling.",
    "Bell Night": "The feast at which the people of Tolling throw apples at the bell. The ferry rests.",
    "Orrin Vane": "The mayor of Tolling, a thin man who swims. His sister is Anne Holt.",
}


@pytest.fixture
def lorebook(tmp_path: Path) -> str:
    entries = [
        {"uid": number, "comment": title, "key": [title], "content": text}
        for number, (title, text) in enumerate(ENTRIES.items())
    ]
    path = tmp_path / "marrow.json"
    path.write_text(json.dumps({"entries": {str(entry["uid"]): entry for entry in entries}}), encoding="utf-8")
    return str(path)


def request(lorebook: str, stories: Path, **settings: Any) -> TrainingRequest:
    given: dict[str, Any] = {"files": (lorebook,), "name": "marrow", "kind": "world", "tokens": 12, "steps": 4}
    return TrainingRequest(**given | {"model": str(stories / "stories260K-F32.gguf"), "row": 64} | settings)


def run(given: TrainingRequest, stop_after: int | None = None) -> list[Record]:
    seen: list[Record] = []

    def stop() -> bool:
        return stop_after is not None and sum(isinstance(record, Recall) for record in seen) >= stop_after

    for record in train([given], stop, lambda: False):
        seen.append(record)
    return seen


def test_a_lorebook_of_two_hundred_words_becomes_a_module_that_says_what_it_recalls(
    lorebook: str, stories: Path
) -> None:
    records = run(request(lorebook, stories))

    (trained,) = [record for record in records if isinstance(record, TrainedModule)]
    recalls = [record for record in records if isinstance(record, Recall)]
    card = Library().find("marrow").card
    assert card.training["objective"] == "study"
    assert not any("words are little" in record.text for record in records if isinstance(record, Note))
    assert card.training["entries"] == len(ENTRIES)
    assert card.training["examples"] > 3 * len(ENTRIES)
    assert card.training["stack_safe"] is True
    assert card.training["neutral_weight"] >= 1, "what it does to other text is looked at"
    assert card.measured["recall_asked"] == trained.recall_asked == card.training["questions"]
    assert card.measured["recall_after"] == recalls[-1].right or trained.best_step != 4
    assert all(recall.right + len(recall.wrong) == recall.asked for recall in recalls)
    assert trained.nats_per_token_with < trained.nats_per_token_without  # type: ignore[operator]
    assert card.description == f"The world of 6 entries of lore, {sum(s['words'] for s in card.sources)} words."


def test_a_stopped_study_resumes_to_the_same_module_to_the_last_bit(lorebook: str, stories: Path) -> None:
    run(request(lorebook, stories))
    whole = Library().find("marrow")
    run(request(lorebook, stories, replace=True), stop_after=2)
    assert Library().find("marrow").card.training["steps"] < 4

    records = run(request(lorebook, stories, resume=True, replace=True))

    assert any("Continuing from step" in record.text for record in records if isinstance(record, Note))
    again = Library().find("marrow")
    np.testing.assert_array_equal(with_rows(again).vectors, with_rows(whole).vectors)
    assert dict(again.card.curve) == dict(whole.card.curve)  # where it stopped it was measured twice


def test_text_is_todays_way_and_asks_nothing(lorebook: str, stories: Path, tmp_path: Path) -> None:
    story = tmp_path / "story.txt"
    story.write_text("The ferry came late, and nobody on the bank minded. " * 60, encoding="utf-8")

    records = run(request(lorebook, stories, files=(lorebook, str(story)), objective="text", stack_safe=False))

    assert not any(isinstance(record, Recall) for record in records)
    card = Library().find("marrow").card
    assert card.training["objective"] == "text"
    assert card.training["stack_safe"] is False


def test_there_must_be_something_to_study(stories: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("  \n", encoding="utf-8")

    with pytest.raises(BadText):
        run(request(str(tmp_path / "empty.txt"), stories, objective="study"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"coverage": 0}, "coverage"),
        ({"recitation": 0.8, "neutral": 0.3}, "together no more than 1"),
        ({"teacher": 2}, "teacher"),
        ({"beside": ("other",), "stack_safe": False}, "no-stack-safe"),
        ({"objective": "guess"}, "objective"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadUsage, match=sentence):
        TrainingRequest(files=("a",), name="a", **settings)


@pytest.mark.parametrize(
    ("lore", "context"), [(100, 512), (5_000, 8192), (60_000, 8192), (1_000_000, 131_072), (9, 64)]
)
def test_the_advised_tokens_grow_with_the_lore_and_leave_room(lore: int, context: int) -> None:
    tokens = advised_tokens(lore, context)

    assert 1 <= tokens <= 2047
    assert tokens + 32 < context
    assert tokens <= context / 4 + 4
    assert advised_tokens(2 * lore, context) >= tokens


def test_modules_of_two_worlds_train_together(lorebook: str, stories: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(Path(lorebook).read_text().replace("Tolling", "Brant").replace("Anne", "Ilse"), encoding="utf-8")
    both = [request(lorebook, stories, steps=2), request(str(other), stories, name="brant", steps=2)]

    records = list(train(both, lambda: False, lambda: False))

    assert [r.name for r in records if isinstance(r, TrainedModule)] == ["marrow", "brant"]
    marrow, brant = (with_rows(Library().find(name)).vectors for name in ("marrow", "brant"))
    assert not np.array_equal(marrow, brant)

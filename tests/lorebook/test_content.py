"""What an entry says to programs, and what it says to the model."""

from __future__ import annotations

import pytest

from kobold_modules.lorebook import Entry, Lorebook
from kobold_modules.lorebook.content import decorated, prose, unnamed, with_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain.", "Plain."),
        ("@@depth 4\n@@@role system\nThe sky is grey.", "The sky is grey."),
        ("@@activate\n\nThe sky.", "The sky."),
        ("@@activate", ""),
        ("An address: me@@example", "An address: me@@example"),
        ("The sky.\n@@depth 4", "The sky.\n@@depth 4"),
        ("@@ two signs and a space", "@@ two signs and a space"),
        ("{{char}} waits for {{User}}. {{// not said }}Hush, <BOT>.", "Orla waits for you. Hush, Orla."),
    ],
)
def test_only_the_prose_reaches_the_model(text: str, expected: str) -> None:
    assert prose(Entry(text=text), "Orla") == expected


def test_without_a_character_its_sign_stays() -> None:
    assert with_names("{{char}} waits") == "{{char}} waits"


def test_decorators_change_what_an_entry_does_and_not_the_file() -> None:
    entry = Entry(keys=("a",), text="@@scan_depth 3\n@@additional_keys b, c\n@@exclude_keys d\n@@unknown 7\nx")

    done = decorated(entry)

    assert (done.scan_depth, done.keys, done.exclude_keys) == (3, ("a", "b", "c"), ("d",))
    assert done.text == entry.text


def test_entries_that_name_a_character_nobody_knows_are_counted() -> None:
    entries = (Entry(text="{{char}} waits."), Entry(text="{{char}} sleeps.", enabled=False), Entry(text="Rain."))

    assert unnamed(Lorebook(entries)) == 1
    assert unnamed(Lorebook(entries, character="Orla")) == 0

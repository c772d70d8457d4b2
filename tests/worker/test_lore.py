"""Lorebooks in the interface's worker: what the page calls in stands before it."""

from __future__ import annotations

from pathlib import Path

from kobold_modules.answers import LoreFound, NextTokens
from kobold_modules.generation.log import entries
from kobold_modules.records import Note, Record
from kobold_modules.sampling.settings import Sampler
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Compare, Generate, Lore, Peek
from tests.lorebook import cards, examples
from tests.worker.conftest import ask, text_of


GREEDY = Sampler(temperature=0, repetition=1)


def found(records: list[Record]) -> list[str]:
    (result,) = [record for record in records if isinstance(record, LoreFound)]
    return [entry.title for entry in result.entries]


def skerry(folder: Path) -> str:
    path = folder / "skerry.json"
    path.write_bytes(examples.FILES["SillyTavern"])
    return str(path)


async def test_what_the_page_calls_in_is_told_with_its_cost_and_read(loaded: WorkerClient, tmp_path: Path) -> None:
    lore = (skerry(tmp_path),)
    plain = text_of(await ask(loaded, Generate("Orla woke.", (), 12, GREEDY)))

    (told,) = await ask(loaded, Lore("Orla woke.", lore=lore))
    written = await ask(loaded, Generate("Orla woke.", (), 12, GREEDY, lore=lore))

    assert isinstance(told, LoreFound)
    assert found([told]) == ["Orla", "The light"]
    assert told.tokens == sum(entry.tokens for entry in told.entries) > 20
    assert found(written) == ["Orla", "The light"]
    assert text_of(written) != plain
    assert entries()[-1]["lore"] == [cards.KEEPER + "\n", cards.LIGHT + "\n"]
    assert found(await ask(loaded, Lore("The sea.", lore=lore))) == ["The light"]


async def test_takes_and_next_words_read_it_too(loaded: WorkerClient, tmp_path: Path) -> None:
    lore = (skerry(tmp_path),)

    await ask(loaded, Compare("Orla woke.", ((), ()), 4, GREEDY, lore=lore))
    (with_it,) = await ask(loaded, Peek("Orla woke.", lore=lore))
    (without,) = await ask(loaded, Peek("Orla woke."))

    assert [len(entry["lore"]) for entry in entries()[-2:]] == [2, 2]
    assert isinstance(with_it, NextTokens)
    assert isinstance(without, NextTokens)
    assert with_it.plain != without.plain


async def test_a_lorebook_that_changes_is_read_again_and_one_that_is_gone_is_said_once(
    loaded: WorkerClient, tmp_path: Path
) -> None:
    path = Path(skerry(tmp_path))
    ask_for = Lore("Orla and Finn woke.", lore=(str(path),))
    assert found(await ask(loaded, ask_for)) == ["Orla", "The light"]

    path.write_text('{"entries": [{"title": "Finn", "keys": ["Finn"], "content": "He rows the boat to the point."}]}')
    assert found(await ask(loaded, ask_for)) == ["Finn"]

    path.unlink()
    first, second = [await ask(loaded, ask_for) for _ in range(2)]
    assert [record.text for record in first if isinstance(record, Note)] == [
        f"A lorebook is left out. There is no file {path}."
    ]
    assert found(first) == found(second) == []
    assert not [record for record in second if isinstance(record, Note)]

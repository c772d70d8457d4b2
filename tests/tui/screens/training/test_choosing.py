"""What to train on: texts chosen with real keys, the form, and what is told instead of started."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Input, Select, Static

from kobold_modules.corpus.cleaning.names import KEEPABLE
from kobold_modules.library.library import Library
from kobold_modules.records import Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.tui.screens.training.path_field import PathField
from kobold_modules.tui.state.remembered import recall
from kobold_modules.tui.widgets.choice import Choice
from kobold_modules.tui.widgets.training.preview_panel import PreviewPanel
from kobold_modules.tui.widgets.training.text_tree import TextTree
from kobold_modules.worker.messages import Estimate, Job, Models
from tests.corpus.readers import books
from tests.lorebook.examples import FILES
from tests.tui.conftest import Open, module
from tests.tui.screens.training.conftest import Knowing, choose, opened, submit


async def test_texts_are_chosen_seen_and_submitted_with_keys_alone(stage: Open, pages: Path) -> None:
    async with stage(size=(80, 24)) as on:
        train = await opened(on)
        await on.hides("cover.png")
        await choose(on, "the-house-at-saltmere.txt", "the-long-drop.txt")
        assert train.preview.words > 12_000
        await on.shows("the house at saltmere")  # it is named after its first text
        await on.press("tab")
        assert isinstance(on.app.focused, PreviewPanel)
        await on.shows("Chapter titles removed")
        await on.shows("A module that has learned titles writes them into scenes", wrapped=True)
        await on.press("left")
        await on.shows("the-house-at-saltmere.txt")
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")

        (training,) = TrainingQueue().trainings()
        names = [Path(file).name for file in training.request.files]
        assert names == ["the-house-at-saltmere.txt", "the-long-drop.txt"]
        assert (training.request.name, training.request.kind, training.request.model) == (
            "the house at saltmere",
            "style",
            "starter",
        )
        await on.says("has started")
        assert train.files == ()


async def test_a_home_folder_that_is_not_there_selects_nothing(
    stage: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree took it for a file, and chose it."""
    async with stage() as on:
        monkeypatch.setenv("HOME", str(tmp_path / "no such home"))
        train = await opened(on)
        assert train.query_one(TextTree).path == tmp_path
        await on.press("down", "up")
        assert not train.files


async def test_a_rule_of_cleaning_is_switched_off_in_the_preview(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.press("tab", "x")
        await on.shows("What is cleaned")
        rules = list(KEEPABLE)
        await on.press(*["down"] * rules.index("titles"), "space", "escape")
        await on.shows("Not cleaned: titles")
        await on.until(
            lambda: not any(change.rule == "titles" for page in train.preview.pages for change in page.changes)
        )
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        (training,) = TrainingQueue().trainings()
        assert training.request.keep == ("titles",)


async def test_the_form_sets_everything(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.press("tab", "tab")
        assert on.app.focused is train.query_one("#module-name", Input)
        await on.press("ctrl+u")
        await on.type("night work")
        await on.press("tab", "right", "tab", "tab")
        await on.type("ann")
        await on.press("tab", "left")
        about = train.query_one("#estimate", Static)
        await on.until(lambda: "About 1 min" in str(about.render()))
        assert "words" in str(about.render())
        await on.press("right", "right")
        await on.until(lambda: "About 10 min" in str(about.render()))
        await on.press("tab", "tab", "enter")
        tokens = train.query_one("#set-tokens", Input)
        await on.until(lambda: tokens.region.height)
        tokens.focus()
        await on.type("24")
        train.query_one("#set-steps", Input).focus()
        await on.type("40")
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")

        request = TrainingQueue().trainings()[0].request
        assert (request.name, request.kind, request.author) == ("night work", "world", "ann")
        assert (request.tokens, request.steps) == (24, 40)
    assert recall("author") == "ann"
    assert recall("dial") == "thorough"


async def test_a_path_is_taken_a_folder_shown_and_a_wrong_one_told(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        field = train.query_one(PathField)
        for typed, says in ((str(pages / "nothing.txt"), "There is nothing at"), (str(pages / "drafts"), "Showing")):
            field.focus()
            field.value = typed
            await on.press("enter")
            await on.says(says)
        await on.shows("a-weekend-at-plumley.txt")
        field.focus()
        field.value = f"'{pages / 'the-long-drop.txt'}'"
        await on.press("enter")
        assert [path.name for path in train.query_one(TextTree).chosen] == ["the-long-drop.txt"]
        await on.until(lambda: train.preview.words)
        await on.press("ctrl+k")
        await on.until(lambda: not train.preview.words)
    async with stage() as on:  # the folder is remembered
        train = await opened(on)
        assert Path(train.query_one(TextTree).path) == pages


async def test_a_whole_folder_is_one_choice(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.press("home", "space")
        await on.until(lambda: len(train.preview.pages) == 4)
        assert train.files == (str(pages),)
        await on.press("end", "space")
        assert train.files == (str(pages),)  # what lies inside it is taken already
        await on.press("home", "space")
        assert train.files == ()


async def test_what_cannot_be_read_is_told_and_not_started(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        field = train.query_one(PathField)
        field.focus()
        field.value = str(pages / "cover.png")
        await on.press("enter")
        await on.until(lambda: train.preview.problems)
        await on.says("a picture (PNG)")
        await on.press("ctrl+s")
        await on.says("a picture (PNG)")
        assert TrainingQueue().trainings() == []


async def test_what_is_missing_is_one_sentence_each(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await on.press("ctrl+s")
        await on.says("nothing to train on")
        await choose(on, "note.md")
        await on.shows("words are little")
        await on.press("ctrl+s")
        await on.says("too few to train on")
        await choose(on, "the-long-drop.txt")
        name = train.query_one("#module-name", Input)
        name.value = ""
        await on.press("ctrl+s")
        await on.says("needs a name")
        name.value = "Noir Rain"
        await on.press("ctrl+s")
        await on.says("already exists")
        submit("twin")
        name.value = "twin"
        await on.press("ctrl+s")
        await on.says("in the queue already")
        train.query_one("#set-tokens", Input).value = "9999"
        name.value = "fine"
        await on.press("ctrl+s")
        await on.says("1 to 2047")


async def test_the_worker_knows_better_than_a_guess(stage: Open, pages: Path) -> None:
    async with stage(client=Knowing()) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.shows("reads your text 3 times")
        await on.shows("3 min, reads your text", wrapped=True)
        dial = train.query_one("#dial", Choice)
        asked = sum(isinstance(job, Estimate) for job in on.client.jobs)
        dial.focus()
        await on.press("right")
        await on.shows("10 min, reads your text 11 times", wrapped=True)
        await on.press("left", "left")
        await on.shows("1 min, reads your text once", wrapped=True)
        assert sum(isinstance(job, Estimate) for job in on.client.jobs) == asked  # what was measured is scaled
        await on.shows("812 MB of memory")
        models: Select[str] = train.query_one("#model", Select)
        assert [value for _, value in models._options] == ["starter", "/models/small.gguf"]
        models.value = "/models/small.gguf"
        await on.until(lambda: train.recipe.model == "/models/small.gguf")
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        assert TrainingQueue().trainings()[0].request.model == "/models/small.gguf"


async def test_the_form_is_ready_for_another_module(stage: Open, pages: Path) -> None:
    """interface.md: the kind stayed on world from the last form."""
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        train.query_one("#kind", Choice).focus()
        await on.press("right")
        assert train.recipe.kind == "world"
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        assert TrainingQueue().trainings()[0].request.kind == "world"
        await on.press("n")
        assert train.recipe.kind == "style"
        assert train.query_one("#kind", Choice).value == "style"
        assert train.query_one("#module-name", Input).value == ""


async def test_a_suggested_name_is_one_that_nobody_has(stage: Open, pages: Path, shelf: Library) -> None:
    """interface.md: the automatic name could be a taken one, and was refused only at the start."""
    shelf.add(module("the long drop"))
    submit("The Long Drop 2")
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.until(lambda: train.query_one("#module-name", Input).value == "the long drop 3")


async def test_a_taken_name_is_said_while_it_is_typed(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        name = train.query_one("#module-name", Input)
        name.focus()
        name.value = "Noir Rain"
        await on.says("A module called Noir Rain already exists.")
        await on.press("s")
        await on.until(lambda: "already exists" not in on.status)


async def test_looking_for_models_does_not_wait_for_the_worker_that_writes(stage: Open, pages: Path) -> None:
    """Issue 12, 10: the search for models ran on the worker that writes."""
    client = Closing()
    async with stage(client=client) as on:
        await opened(on)
        await on.until(lambda: client.others and client.others[0].closed)
        assert [type(job) for job in client.others[0].own] == [Models]
        assert not any(isinstance(job, Models) for job in client.own)


class Closing(FakeClient):
    """Remembers who was asked what."""

    def __init__(self) -> None:
        super().__init__()
        self.own: list[Job] = []
        self.others: list[Closing] = []

    async def run(self, job: Job) -> AsyncIterator[Record]:
        self.own.append(job)
        async for record in super().run(job):
            yield record

    def another(self) -> FakeClient:
        self.others.append(Closing())
        return self.others[-1]


async def test_a_chat_and_a_save_are_chosen_and_one_speaker_taken(stage: Open, pages: Path) -> None:
    """T45: the tree offers saves and chats, the preview says who speaks, and s takes one speaker's lines."""
    mara, tom = "The ferry did not run on Sundays, and nobody could say since when. ", "It never runs at all, he said. "
    messages = [(name, line * 30 + f"That was {n}.") for n in range(4) for name, line in (("Mara", mara), ("Tom", tom))]
    values = [{"name": name, "is_user": name == "Tom", "mes": text} for name, text in messages]
    (pages / "harbour.jsonl").write_text("\n".join(map(json.dumps, values)))
    save = {"gamestarted": True, "prompt": mara, "actions": [tom], "memory": "Cold."}
    (pages / "pier.json").write_text(json.dumps(save))
    async with stage(size=(120, 40)) as on:
        train = await opened(on)
        await choose(on, "pier.json")
        await on.shows("Left out: memory (1 word).")
        await choose(on, "harbour.jsonl")
        await on.shows("Written by Mara")
        both = train.preview.words
        await on.press("tab", "s")
        await on.until(lambda: 0 < train.preview.words < both)
        await on.shows("Only the lines of Mara are taken", wrapped=True)
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        assert TrainingQueue().trainings()[0].request.speaker == ("Mara",)
        assert train.query_one(PreviewPanel).speaker == ""


async def test_choosing_a_lorebook_makes_it_a_world(stage: Open, pages: Path) -> None:
    (pages / "skerry.json").write_bytes(FILES["SillyTavern"])
    async with stage(size=(120, 40)) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        assert train.recipe.kind == "style"
        await choose(on, "skerry.json")
        await on.until(lambda: train.recipe.kind == "world")
        await on.says("skerry.json is a lorebook, so the kind is world.")
        await on.shows("Switched off, so not learned (1): Rumour")  # its lore has been read


async def test_books_of_every_kind_are_offered_and_what_is_left_out_of_them_is_told(stage: Open, pages: Path) -> None:
    """Issue 13, 5: the tree shows each readable kind, and the preview the structure and the cuts."""
    words = "The ferry did not run on Sundays, so the two of them walked along the shore. " * 5
    notes = books.docx(books.para(words), parts={"comments": books.para("Rather slow here.")})
    (pages / "novel.docx").write_bytes(notes)
    for name in ("a.odt", "b.epub", "c.html", "d.rtf", "e.fb2", "f.pdf", "g.fb2.zip"):
        (pages / name).write_bytes(b"x")
    project = pages / "Book.scriv"
    for name, text in books.scrivener("", {"Z/content.rtf": "x"}).items():
        books.write(project, name, text.encode())
    async with stage() as on:
        train = await opened(on)
        for name in ("novel.docx", "a.odt", "b.epub", "c.html", "d.rtf", "e.fb2", "f.pdf", "g.fb2.zip", "Book.scriv"):
            await on.shows(name)
        await choose(on, "novel.docx")
        await on.shows("Left out: comments (3 words).", wrapped=True)
        await on.shows("Word document")
        assert train.preview.pages[0].words == 80


async def test_a_text_to_stay_near_and_a_template_are_set_in_the_drawer(stage: Open, pages: Path) -> None:
    """Issue 17, 7: a template without p-tuning is told, a text to stay near to decides how many tokens there are."""
    async with stage(size=(120, 60)) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        train.query_one("#more").query_one("CollapsibleTitle").focus()
        await on.press("enter")
        template = train.query_one("#set-template", Input)
        await on.until(lambda: template.region.height)
        template.focus()
        await on.type("{prompt} a tale {prompt}")
        await on.press("ctrl+s")
        await on.says("belongs to p-tuning")
        await on.press("ctrl+u")
        train.query_one("#set-near", Input).focus()
        await on.type("a tale of rain")
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")

        request = TrainingQueue().trainings()[0].request
        assert (request.near, request.tokens, request.template) == ("a tale of rain", 0, "")

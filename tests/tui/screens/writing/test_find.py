"""A long story: find and replace, go to a chapter, to the start and the end, select it all."""

from __future__ import annotations

from textual.widgets import Checkbox, Input

from kobold_modules.tui.screens.writing.find import Find
from kobold_modules.tui.screens.writing.outline import Outline
from kobold_modules.tui.widgets.writing.editor import Editor
from kobold_modules.tui.writing.text_search import Query, matches, nearest
from tests.tui.conftest import Open, Stage


CHAPTERS = 40
NOVEL = "\n\n".join(
    f"Chapter {number}\n\n" + "\n\n".join(f"Ann said “don’t”, and Annabel left. Line {line}." for line in range(250))
    for number in range(1, CHAPTERS + 1)
)


def page(on: Stage) -> Editor:
    """Return the page, also while a question is in front of it."""
    assert "bench" in on.app.places
    return on.app.places["bench"].editor


def selected(on: Stage) -> str:
    return str(page(on).selected_text)


def in_sight(on: Stage) -> bool:
    """Return whether the end of what is selected stands in the part of the page that is shown."""
    editor = page(on)
    row = editor.wrapped_document.location_to_offset(editor.selection.end).y
    return bool(editor.scroll_offset.y <= row < editor.scroll_offset.y + editor.size.height)


async def find(on: Stage, words: str) -> Find:
    await on.press("ctrl+f")
    await on.until(lambda: isinstance(on.app.screen, Find))
    screen = on.app.screen
    assert isinstance(screen, Find)
    screen.query_one("#find", Input).value = words
    await on.until(lambda: screen.query_now.text == words)
    return screen


async def test_start_end_and_all_of_a_novel(stage: Open) -> None:
    async with stage() as on:
        await on.begin(NOVEL)
        await on.press("ctrl+home")
        assert on.editor.cursor_location == (0, 0)
        await on.shows("Chapter 1")
        await on.press("ctrl+end")
        assert on.editor.cursor_location == on.editor.document.end
        await on.shows("Line 249.")
        await on.press("ctrl+a")
        assert selected(on) == NOVEL
        await on.press("ctrl+home", "ctrl+shift+end")
        assert selected(on) == NOVEL
        await on.press("x")
        assert on.editor.text == "x"
        await on.press("ctrl+z")
        assert on.editor.text == NOVEL


async def test_finding_goes_round_the_whole_story(stage: Open) -> None:
    async with stage() as on:
        await on.begin(NOVEL)
        await on.press("ctrl+home")
        screen = await find(on, "chapter 40")
        assert selected(on).casefold() == "chapter 40"
        await on.until(lambda: in_sight(on))
        await on.shows("1 of 1")
        screen.query_one("#find", Input).value = "chapter 4"
        await on.shows("1 of 2")
        await on.press("enter", "down", "up")
        await on.shows("2 of 2")
        screen.query_one("#find", Input).value = "no such words"
        await on.shows("not found")
        await on.press("escape", "right", "ctrl+f")
        assert on.app.screen.query_one("#find", Input).value == "no such words"


async def test_replacing_all_is_one_step_back_and_leaves_who_wrote_what(stage: Open) -> None:
    async with stage() as on:
        await on.begin(NOVEL)
        on.bench.story.append_take(" Ann wrote this. And this is the model's.", "noir", 1)
        on.bench.page.show_story()
        before, words = on.editor.text, on.bench.story.spans
        screen = await find(on, "Ann")
        screen.query_one("#words", Checkbox).value = True
        await on.until(lambda: screen.query_now.words)
        screen.query_one("#replace", Input).value = "Mara"
        await on.press("ctrl+r")
        await on.shows(f"{CHAPTERS * 250 + 1:,} places replaced")
        await on.press("escape")
        assert on.editor.text == before.replace("Ann said", "Mara said").replace("Ann wrote", "Mara wrote")
        assert on.bench.story.text == on.editor.text
        assert [span.by_model for span in on.bench.story.spans] == [False, True, False, True]
        await on.press("ctrl+z")
        assert (on.editor.text, on.bench.story.spans) == (before, words)


async def test_replacing_one_goes_to_the_next(stage: Open) -> None:
    async with stage() as on:
        await on.begin("Ann met Ann and Ann.")
        await on.press("ctrl+home")
        screen = await find(on, "Ann")
        await on.press("down")
        screen.query_one("#replace", Input).focus()
        await on.type("Mara")
        await on.press("enter")
        assert page(on).text == "Ann met Mara and Ann."
        assert page(on).selection.start == (0, 17)
        await on.press("enter", "enter")
        assert page(on).text == "Mara met Mara and Mara."
        await on.press("escape", "ctrl+z")
        assert on.editor.text == "Ann met Mara and Mara."


async def test_what_is_selected_is_looked_for(stage: Open) -> None:
    async with stage() as on:
        await on.begin("the sea and the seal")
        on.editor.move_cursor((0, 4))
        on.editor.move_cursor((0, 7), select=True)
        await on.press("ctrl+f")
        assert on.app.screen.query_one("#find", Input).value == "sea"
        await on.shows("1 of 2")


async def test_the_outline_goes_to_a_chapter(stage: Open) -> None:
    async with stage() as on:
        await on.begin(NOVEL)
        await on.press("ctrl+d")
        screen = on.app.screen
        assert isinstance(screen, Outline)
        assert len(screen.parts) == CHAPTERS
        await on.shows("Chapter 40")  # it opens where the cursor is
        await on.type("ter 17")
        await on.press("enter")
        assert on.editor.offset_of(on.editor.cursor_location) == NOVEL.index("Chapter 17\n")
        await on.shows("Chapter 17")


async def test_both_are_in_the_palette(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await on.begin("# One\n\nIt rained.\n\n# Two\n\nIt stopped.")
        await on.command("go to a chapter")
        await on.press("up", "enter")
        assert on.editor.cursor_location == (0, 0)
        await on.command("find and replace")
        assert isinstance(on.app.screen, Find)
        await on.shows("Match case", "Replace all")


def test_quotation_marks_find_their_curly_kind_and_whole_words_stand_alone() -> None:
    assert matches(Query("don't"), NOVEL[:60])
    assert matches(Query('"don'), NOVEL[:60])
    assert matches(Query("ann", words=True), "Ann, Annabel, ANN") == [(0, 3), (14, 17)]
    assert matches(Query("ann", case=True), "Ann ann") == [(4, 7)]
    assert matches(Query("a.b("), "a.b( axb(") == [(0, 4)]
    assert matches(Query(""), "text") == []


def test_the_nearest_match_is_the_next_one_and_then_the_first() -> None:
    assert [nearest([(2, 3), (8, 9)], at) for at in (0, 2, 3, 9)] == [0, 0, 1, 0]

"""Puts another story on the bench: one of those there are, a new one, or a copy of a file of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.screen import Screen

from kobold_modules.errors import KoboldModulesError
from kobold_modules.stories import file
from kobold_modules.stories.shelf import free_path
from kobold_modules.stories.story import Story

from ...dialogs.ask import Ask
from ...state.app_state import AppState
from ...state.dropped import kind_of, one_path
from ...state.phrases import counted
from ...state.save_errors import reason
from ...widgets.status_line import StatusLine
from ..unsaved import Unsaved
from .page import Page
from .stories import NEW, StoriesScreen
from .take_writer import TakeWriter


if TYPE_CHECKING:
    from ...state.app_state import AppServices


class Imported(NamedTuple):
    """A story that was copied here; ``use`` says in sentences what of it beside its text is used, and what not."""

    path: Path
    use: str = ""


class StoryOpener:
    """Opens stories on ``page``; the one that is there is saved first.

    Args:
        screen: where questions are opened.
        app_state: whose stack becomes the one the story was written with.
        page: where the story goes.
        writer: says whether the page is the writer's.
        status: where it is said what came of it.
    """

    def __init__(
        self, screen: Screen[None], app_state: AppState, page: Page, writer: TakeWriter, status: StatusLine
    ) -> None:
        self.screen, self.app_state, self.page, self.writer, self.status = screen, app_state, page, writer, status
        self.manuscript = page.manuscript

    def choose(self) -> None:
        """List the stories and open the chosen one."""
        if self.writer.page_is_free():
            self.screen.app.push_screen(StoriesScreen(self.manuscript.path), self._chosen)

    def _chosen(self, path: Path | None) -> None:
        if path == NEW:
            self.new()
        elif path is not None:
            try:
                ours = file.format_of(path) == "ours"
                self._open_imported(Imported(path) if ours else import_story(path))
            except (KoboldModulesError, OSError) as error:
                self.status.say_error(error)

    def new(self) -> None:
        """Ask for a title and start a story under it."""
        if self.writer.page_is_free():
            explanation = "Title of the new story. The one on the bench is saved first."
            self.screen.app.push_screen(Ask("New story", explanation, self._make), self._made)

    def _make(self, title: str) -> object:
        path = free_path(title)
        file.save(Story(title), path)
        return path

    def _made(self, path: object) -> None:
        if isinstance(path, Path):
            self.open(path)

    def ask_for_file(self) -> None:
        """Ask for a file, and open a copy of it."""
        if self.writer.page_is_free():
            explanation = (
                "A text (.txt, .md), or a story of KoboldAI (.json, .kaistory) or NovelAI (.story, .scenario). "
                "It is copied, not moved."
            )
            ask = Ask("Open file", explanation, self._import, placeholder="~/", is_path=True)
            self.screen.app.push_screen(ask, self._open_imported)

    def _import(self, answer: str) -> Imported | list[Path]:
        path = one_path(answer)
        if path.exists() and kind_of(path) in ("model", "module"):
            return [path]  # no story, and of use all the same
        return import_story(path)

    def open_copy(self, path: Path) -> None:
        """Put a copy of the story or text at ``path`` on the bench."""
        if self.writer.page_is_free():
            try:
                self._open_imported(import_story(path))
            except (KoboldModulesError, OSError) as error:
                self.status.say_error(error)

    def _open_imported(self, came: object) -> None:
        """Open a story that was just copied here; say what of it is not used."""
        if isinstance(came, Imported):
            self.open(came.path, came.use)
        elif isinstance(came, list):
            self._services.receive(came)

    def open(self, path: Path, warning: str = "") -> None:
        """Put the story at ``path`` on the bench, once this one is saved or not wanted; ``warning`` is said of it."""
        if path == self.manuscript.path:
            self.page.editor.focus()
            return
        self.page.sync()
        try:
            moved = self.manuscript.save()
        except OSError as error:
            if self.manuscript.unsaved:
                why = reason(error, self.manuscript.path)
                unsaved = Unsaved(self.manuscript, why, "Leave it unsaved")
                self.screen.app.push_screen(unsaved, lambda leave: self._show(path, warning) if leave else None)
                return
            moved = ""
        self._show(path, warning or moved)

    def _show(self, path: Path, warning: str) -> None:
        said = self.manuscript.open(path)
        self.page.open_other()
        self.writer.sampler.show_choice(self.manuscript.choice)
        if self.manuscript.stack:
            self.app_state.restore_stack(self.manuscript.stack)
        said = self._services.story_opened() or said
        said = warning or said or f"{self.page.story.title} is on the bench."
        self.status.say(said, "warning" if warning else "calm")

    @property
    def _services(self) -> AppServices:
        return cast("AppServices", self.screen.app)


def import_story(source: Path) -> Imported:
    """Copy the story or text at ``source`` to the stories.

    Raises:
        KoboldModulesError: where it cannot be read or is none.
    """
    from kobold_modules.stories.lore import own_lorebook  # with all the readers of lorebooks

    story = file.load(source)
    story.title = story.title or source.stem
    path = free_path(story.title)
    sentences = [file.describe_unused(story)]
    if (book := own_lorebook(story)) is not None:
        sentences.insert(0, f"Its world info ({counted(len(book.entries), 'entry', 'entries')}) comes in by its keys.")
    file.save(story, path)
    return Imported(path, " ".join(filter(None, sentences)))

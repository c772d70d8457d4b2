"""The texts of a new training: which are chosen, what is in them, and what lore among them will be asked about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from kobold_modules.answers import TokenCounts
from kobold_modules.corpus.lore_preview import LorePreview
from kobold_modules.corpus.preview import Preview
from kobold_modules.corpus.readers.lorebook import TITLE as LOREBOOK
from kobold_modules.worker.messages import CountEach

from ...state.app_state import AppState
from ...state.background import run_in_background
from ...state.dropped import kind_of
from ...state.reading import read_lore_preview, read_preview
from ...state.recipe import Recipe
from ...state.remembered import remember
from ...widgets.panel import Panel
from ...widgets.status_line import StatusLine
from ...widgets.training.lore_view import LoreView
from ...widgets.training.preview_panel import PreviewPanel
from ...widgets.training.recipe_panel import RecipePanel
from ...widgets.training.text_tree import TextTree
from .cleaning_rules import CleaningRulesScreen
from .path_field import PathField


if TYPE_CHECKING:
    from ...state.app_state import AppServices

FOLDER = "texts folder"  # as it is remembered
FIRST = {
    "style": "Choose texts you wrote; a few thousand words are enough for a style.",
    "world": "Choose a lorebook, a world bible, or texts about your world.",
}
PLACEHOLDER = {
    "style": "path, or choose below",
    "world": "path of a lorebook or texts, or choose below",
}


class ChosenTexts:
    """Keeps the preview right while texts are chosen and the form changes.

    Args:
        screen: has the tree, the field of a path and the preview on it; reads beside itself.
        app_state: whose model counts tokens, where one is loaded.
        status: where it is said what was chosen.
        form: whose kind follows the texts.
        read: called when the texts have been read.
    """

    def __init__(
        self,
        screen: Screen[None],
        app_state: AppState,
        status: StatusLine,
        form: RecipePanel,
        read: Callable[[], None],
    ) -> None:
        self.screen, self.app_state, self.status, self.form, self.was_read = screen, app_state, status, form, read
        self.preview = Preview()
        self._recipe = form.recipe
        self._lore_of: tuple[str, ...] = ()  # the files whose lore was read last

    @property
    def files(self) -> tuple[str, ...]:
        """The paths that are chosen."""
        return tuple(str(path) for path in self.screen.query_one(TextTree).chosen)

    @property
    def panel(self) -> PreviewPanel:
        """Where they are shown."""
        return self.screen.query_one(PreviewPanel)

    @property
    def speaker(self) -> tuple[str, ...]:
        """Whose lines of a chat are taken; everybody's where it is empty."""
        name = self.panel.speaker
        return (name,) if name else ()

    @property
    def keep(self) -> tuple[str, ...]:
        """The rules of cleaning that are switched off."""
        return self.panel.keep

    # -- choosing --

    def take_paths(self, paths: list[Path]) -> None:
        """Choose texts, or show a folder of them."""
        if any(path.exists() and kind_of(path) in ("model", "module") for path in paths):
            cast("AppServices", self.screen.app).receive(paths)  # its path was typed among the texts
            return
        tree, field = self.screen.query_one(TextTree), self.screen.query_one("#path", PathField)
        for path in paths:
            if path.is_dir() and len(paths) == 1:
                tree.show_folder(path)
                remember(FOLDER, str(path))
                self.status.say(f"Showing {path}.", "calm", "space selects a folder or a single text.")
            elif path.exists():
                tree.toggle(path, only_add=True)
                if path.parent != Path(tree.path).absolute() and len(paths) == 1:
                    tree.show_folder(path.parent)
            else:
                self.status.say(f"There is nothing at {path}.", "error", "tab completes a path while you type.")
                return
        field.value = ""
        if field.has_focus:
            tree.focus()

    def toggled(self, path: Path, chosen: bool) -> None:
        """Say what was chosen or given back, and read what is chosen now."""
        if chosen:
            remember(FOLDER, str(path.parent))
            self.status.say(f"{path.name} added.", "good", "ctrl+s starts the training.")
        else:
            self.status.say(f"{path.name} deselected.")
        self.read(str(path) if chosen else "")

    def give_back_all(self) -> None:
        """Choose none."""
        self.screen.query_one(TextTree).give_back_all()
        self.read()

    async def choose_rules(self) -> None:
        """Let rules of cleaning be switched off, and read the texts so."""
        keep = await self.screen.app.push_screen_wait(CleaningRulesScreen(self.keep))
        if keep != self.keep:
            self.panel.keep = keep
            self.status.say(f"Not cleaned: {', '.join(keep)}." if keep else "All rules of cleaning are on.", "good")
            self.read()

    def choose_speaker(self, name: str) -> None:
        """Take the lines of one speaker, or of all where ``name`` is empty."""
        whose = f"Only the lines of {name} are taken." if name else "The lines of all speakers are taken."
        self.status.say(whose, "good", "s in the preview chooses another.")
        self.read()

    # -- reading --

    def read(self, then: str = "") -> None:
        """Read what is chosen, and show ``then`` of it."""
        run_in_background(self.screen, partial(self._read, self.files, then), "read", exclusive=True)

    async def _read(self, files: tuple[str, ...], then: str) -> None:
        panel = self.panel
        if not files:
            panel.speaker, panel.keep = "", ()
        panel.set_reading(bool(files))
        self.screen.query_one("#texts", Panel).set_titles(note=f"{len(files)} selected" if files else "")
        self.preview = await read_preview(files, self.speaker, panel.keep)
        panel.show(self.preview)
        if then:
            panel.show_path(then)
            self._suit_kind(Path(then))
        if self.preview.problems:
            problem = self.preview.problems[0]
            self.status.say(problem.message, "error", problem.hint)
        self.was_read()
        self._show_lore()

    def _suit_kind(self, chosen: Path) -> None:
        """Set the kind to *world* where what was just chosen is a lorebook, or a folder with one in it."""
        pages = [page for page in self.preview.pages if Path(page.path).is_relative_to(chosen)]
        books = [page.name for page in pages if page.encoding == LOREBOOK]
        if books and self.form.choose_world():
            self.status.say(f"{books[0]} is a lorebook, so the kind is world.", "good", "ctrl+s starts the training.")

    # -- lore --

    def recipe_changed(self, recipe: Recipe) -> None:
        """Ask for what the kind needs, and show what will be done with lore."""
        before, self._recipe = self._recipe, recipe
        if before.kind != recipe.kind:
            self.screen.query_one("#path", PathField).placeholder = PLACEHOLDER[recipe.kind]
            if not self.files:
                self.status.say(FIRST[recipe.kind], "calm", "space selects a text.")
        if (before.kind, before.objective) != (recipe.kind, recipe.objective):
            self._show_lore()

    def _show_lore(self) -> None:
        """Show the lore among the files: of a world all of them are lore, of a style lorebooks alone."""
        pages = [page for page in self.preview.pages if page.words]
        files = tuple(page.path for page in pages if self._recipe.kind == "world" or page.encoding == LOREBOOK)
        view = self.panel.lore
        kept = view.lore if files == self._lore_of else LorePreview()
        tokens = view.tokens if files == self._lore_of else ()
        self.panel.show_lore(LoreView(kept, tokens, self._recipe.kind, self._recipe.studied))
        if files != self._lore_of:
            self._lore_of = files
            run_in_background(self.screen, partial(self._read_lore, files), "lore", exclusive=True)

    async def _read_lore(self, files: tuple[str, ...]) -> None:
        lore = await read_lore_preview(files)
        self.panel.show_lore(LoreView(lore, (), self._recipe.kind, self._recipe.studied))
        if lore.entries and self.app_state.model.phase == "ready":
            counting = CountEach(tuple(entry.text for entry in lore.entries))
            async for record in self.app_state.client.run(counting):
                if isinstance(record, TokenCounts):
                    recipe = self._recipe
                    self.panel.show_lore(LoreView(lore, record.tokens, recipe.kind, recipe.studied))

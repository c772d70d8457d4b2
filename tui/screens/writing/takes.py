"""Takes side by side: the same words, the same seed, one stack a column, all streamed together.

The act a module is judged by. One column is chosen and becomes the story's take; blind, names show only after that and
the modules' tallies are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from kobold_modules.errors import KoboldModulesError
from kobold_modules.generation.limits import MOST_TOGETHER
from kobold_modules.records import Failed

from ...state.app_state import AppState
from ...state.phrases import blind_tests, counted, ending
from ...widgets.key_bar import KeyBar
from ...widgets.status_line import Mood, StatusLine
from ...widgets.top_bar import TopBar
from ...widgets.writing.editor import FLUSHES_A_SECOND
from ...widgets.writing.take_column import TakeColumn
from ...writing.comparison import FEWEST, LINEUPS, USUAL, Column, Comparison, Lineup, set_out
from ...writing.manuscript import Manuscript
from .comparison_writer import ComparisonWriter


def _key(key: str, action: str, name: str, about: str, show: bool = True, display: str | None = None) -> Binding:
    id = "takes." + action.replace("(", "_").rstrip(")")
    return Binding(key, action, name, id=id, tooltip=about, show=show, key_display=display)


class TakesScreen(Screen[Column | None]):
    """Dismisses with the column that was chosen, or None. Takes of the same text that are there already are shown."""

    CSS_PATH = "takes.tcss"
    AUTO_FOCUS = "TakeColumn"
    BINDING_GROUP_TITLE = "Takes"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("1", "choose(0)", "Choose", "Insert take 1 into the story", display=f"1…{MOST_TOGETHER}"),
        *(
            _key(str(n + 1), f"choose({n})", f"Choose {n + 1}", f"Insert take {n + 1} into the story", False)
            for n in range(1, MOST_TOGETHER)
        ),
        _key("escape", "leave", "Back", "Stop writing, or go back to the story"),
        _key("b", "blind", "Blind", "Hide which take is which until you choose one"),
        _key("l", "lineup", "Compare …", "Choose what is compared: stacks, single modules or seeds"),
        _key("r", "again", "Rewrite all", "Write all takes again, with new seeds unless the seed is locked", False),
        _key("plus,equals_sign", "more(1)", "One more", "Write one more take with the same stack", False),
        _key("minus", "more(-1)", "One fewer", "Write one take fewer with the same stack", False),
        _key("enter", "choose_this", "Choose this", "Insert the focused take into the story", False),
        _key("u", "back", "Takes before", "Show the takes that stood here before these", False),
        _key("left", "walk(-1)", "Left", "Go to the take on the left", False),
        _key("right", "walk(1)", "Right", "Go to the take on the right", False),
    ]

    def __init__(self, app_state: AppState, manuscript: Manuscript, lineup: Lineup = "stacks") -> None:
        super().__init__()
        self.app_state = app_state
        self.manuscript = manuscript
        self.text = manuscript.story.text
        kept = manuscript.comparison
        self.fresh = kept is None or not kept.goes_on(self.text) or not any(c.text for c in kept.columns)
        self.takes = USUAL
        self._earlier: list[Comparison] = []
        self.status_line = StatusLine()
        comparison = self._set_out(lineup) if self.fresh or kept is None else kept
        self.writer = ComparisonWriter(
            self, app_state, manuscript, self.status_line, comparison, self._show, self._ended
        )
        self._picked: int | None = None

    @property
    def comparison(self) -> Comparison:
        """Return the takes that are shown."""
        return self.writer.comparison

    @property
    def running(self) -> bool:
        """Return whether takes are still coming."""
        return self.writer.running

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "bench")
        yield Static(id="opening", markup=False)
        yield HorizontalScroll(id="columns")
        yield self.status_line
        yield KeyBar()

    async def on_mount(self) -> None:
        self.set_interval(1 / FLUSHES_A_SECOND, self.writer.flush)
        await self._lay_out()
        if self.fresh:
            self._start()
        else:
            self._say_end()

    def on_resize(self) -> None:
        self._show_opening()
        self.call_after_refresh(self._show)

    # -- saying --

    def say(self, text: str, mood: Mood = "calm", hint: str = "") -> None:
        """Put a sentence on the status line."""
        self.status_line.say(text, mood, hint)

    def _show_opening(self) -> None:
        takes = counted(len(self.comparison.columns), "take")
        line = f"Blind: {takes}, shuffled" if self.comparison.hidden else self._about()
        room = max(20, self.size.width - 4)
        so_far = ending(self.text[-4 * room :], room) or "An empty page"
        self.query_one("#opening", Static).update(
            Content.assemble((line, "$text-accent"), "\n", (so_far, "$foreground-muted"))
        )

    def _about(self) -> str:
        said = LINEUPS[self.comparison.lineup]
        if not any(column.stack for column in self.comparison.columns):
            said = "plain model, different seeds"
        seeds = {column.seed for column in self.comparison.columns}
        return f"{said[0].upper()}{said[1:]}" + (f" · seed {seeds.pop()}" if len(seeds) == 1 else "")

    # -- columns --

    def _set_out(self, lineup: Lineup, *, blind: bool = False, fresh_dice: bool = False) -> Comparison:
        seed = None if fresh_dice else self.manuscript.choice.sampler.seed
        return set_out(self.text, self.app_state.stack, lineup, seed, blind=blind, takes=self.takes)

    async def _lay_out(self) -> None:
        """Lay out as many columns as there are takes."""
        home = self.query_one("#columns", HorizontalScroll)
        wanted, have = len(self.comparison.columns), list(home.query(TakeColumn))
        for column in have[wanted:]:
            await column.remove()
        await home.mount_all(TakeColumn(number) for number in range(len(have), wanted))
        self._show_opening()
        self._show()
        if not isinstance(self.focused, TakeColumn):
            home.query(TakeColumn).first().focus()

    def _show(self, indexes: Iterable[int] | None = None) -> None:
        columns = list(self.query(TakeColumn))
        for index in range(len(columns)) if indexes is None else indexes:
            if index < min(len(columns), len(self.comparison.columns)):
                take = self.comparison.columns[index]
                chosen = self.comparison.chosen == index
                columns[index].show(self.comparison.name(index), take.text, take.tokens, take.ended, chosen)

    # -- the end --

    def _start(self) -> None:
        self._picked = None
        self.writer.start()

    def _ended(self, failed: Failed | None) -> None:
        if failed is not None:
            self.say(failed.message, "error", failed.hint)
        elif self._picked is not None:
            self._take(self._picked)
        else:
            self._say_end()

    def _say_end(self) -> None:
        if self.comparison.chosen is not None:
            self._say_tally()
        elif any(column.text for column in self.comparison.columns):
            count = len(self.comparison.columns)
            if self.comparison.hidden:
                hint = "enter then inserts it; esc closes without."
                self.say(f"Press 1 to {count} to choose a take and see which is which.", "good", hint)
            else:
                back = " u shows the takes before." if self._earlier else ""
                self.say(f"Press 1 to {count} to insert a take.", "good", f"esc closes without inserting.{back}")
        else:
            self.say("Nothing was written.", "calm", "r writes them again; esc goes back.")

    # -- choosing --

    def action_choose(self, index: int) -> None:
        """Choose a take; one that is still coming is stopped where it is."""
        if index >= len(self.comparison.columns):
            return
        if self.running:
            self._picked = index
            self.writer.stop()
        else:
            self._take(index)

    def action_choose_this(self) -> None:
        if self.comparison.chosen is not None and not isinstance(self.focused, TakeColumn):
            self._take(self.comparison.chosen)
        elif isinstance(self.focused, TakeColumn):
            self.action_choose(self.focused.number)

    def _take(self, index: int) -> None:
        column = self.comparison.columns[index]
        if not column.text:
            self.say("This take is empty.", "warning", "Choose another one.")
        elif self.comparison.hidden:
            self._reveal(index)
        else:
            self.writer.keep(replace(self.comparison, chosen=index))
            self.dismiss(column)

    def _reveal(self, index: int) -> None:
        """Say what was what, and count the vote."""
        self.writer.keep(replace(self.comparison, chosen=index))
        problem = ""
        for slug, won in self.comparison.votes(index).items():
            if (entry := self.app_state.entries.filed(slug)) is not None:
                try:
                    self.app_state.library.count_blind_test(entry, won)
                except KoboldModulesError as error:
                    problem = f" The result could not be saved: {error.message}"
        self.app_state.refresh_shelf()
        self._show_opening()
        self._show()
        self.query(TakeColumn)[index].focus()
        self._say_tally(problem)

    def _say_tally(self, problem: str = "") -> None:
        chosen = self.comparison.chosen
        if chosen is None:
            return
        if not self.comparison.blind:
            self.say(
                f"You chose {self.comparison.name(chosen)} last time.", "calm", "Press a number to choose another."
            )
            return
        votes = self.comparison.votes(chosen)
        tallies = [
            f"{entry.name} {blind_tests(entry.notes)}"
            for entry in self.app_state.entries
            if votes.keys() & {entry.slug}
        ]
        tally = f" {'; '.join(tallies)}.".replace(" .", "") if tallies else ""
        self.say(f"You chose {self.comparison.name(chosen)}.{tally}{problem}", "good", "enter inserts it.")

    # -- other keys --

    def action_leave(self) -> None:
        if self.running:
            self.writer.stop()
        else:
            self.dismiss(None)

    async def action_again(self) -> None:
        await self._anew(self.comparison.lineup, self.comparison.blind)

    async def action_blind(self) -> None:
        """Switch blind on or off, and write anew: what has been read cannot be hidden again."""
        await self._anew(self.comparison.lineup, not self.comparison.blind)

    def action_lineup(self) -> None:
        """Ask what is to be compared."""
        if not self.app_state.stack.tokens:
            self.say("The stack is empty, so only seeds can be compared.", "warning", "ctrl+t adds a module.")
        elif not self._still_writing():
            from .lineup import LineupScreen

            self.app.push_screen(LineupScreen(self.app_state.stack, self.comparison.lineup, self.takes), self._compare)

    async def _compare(self, lineup: Lineup | None) -> None:
        if lineup is not None and lineup != self.comparison.lineup:
            await self._anew(lineup, self.comparison.blind)

    async def action_more(self, by: int) -> None:
        self.takes = min(MOST_TOGETHER, max(FEWEST, len(self.comparison.columns) + by))
        await self._anew("dice", self.comparison.blind)

    def _still_writing(self) -> bool:
        """Return whether takes are still coming, and say so: they are not thrown away."""
        if self.running:
            takes = counted(len(self.comparison.columns), "take")
            self.say(f"{takes} still being written.", "warning", "esc stops them first.")
        return self.running

    async def _anew(self, lineup: Lineup, blind: bool) -> None:
        if self._still_writing():
            return
        if any(column.text for column in self.comparison.columns):
            self._earlier.append(self.comparison)
        self.writer.comparison = self._set_out(lineup, blind=blind, fresh_dice=blind)
        await self._lay_out()
        self._start()

    async def action_back(self) -> None:
        """Show the takes that stood here before these: nothing that was written is thrown away."""
        if self.running:
            self.say("The takes are still being written.", "warning", "esc stops them first.")
        elif not self._earlier:
            self.say("There are no takes before these.")
        else:
            self.writer.keep(self._earlier.pop())
            await self._lay_out()
            self._say_end()

    def action_walk(self, by: int) -> None:
        columns = list(self.query(TakeColumn))
        at = columns.index(self.focused) if isinstance(self.focused, TakeColumn) else 0
        columns[(at + by) % len(columns)].focus()

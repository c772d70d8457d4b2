"""What the texts are after cleaning and what was done to them: to be read before a module learns from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from kobold_modules.corpus.preview import Changed, Page, Preview

from ...state.hints import here
from ...state.keys import quiet
from ...state.phrases import counted, shortened
from ..panel import Titled
from .lore_view import LoreView


MEASURE = 96  # cells of prose a line
ORDER = ("summary", "files", "lore", "changes", "text")
MOST_FILES = 12  # that are listed by name


class PreviewPanel(VerticalScroll, Titled, inherit_bindings=False, can_focus=True):
    """A :class:`Preview`: the whole in two lines, then one file at a time."""

    HELP = """\
    ## What will be read

    Your texts as the module will see them. Page numbers, licences, titles, markup and odd characters teach it nothing
    useful, so they are removed; each line says what was changed, how often and why, with the first place it happened.
    Your files themselves are never changed.

    Of a lorebook the entries are listed, with their keys and what each costs in tokens; of a world you see some of the
    questions that it will be asked.

    `✗` prevents training, `!` is a warning. **→** and **←** show the next and the previous file. In a chat, **s** takes
    the lines of one speaker, then of the next, then of all. **x** lists the rules of cleaning, to switch some off.
    """
    BINDING_GROUP_TITLE = "Preview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "file(1)", "Next file", id="preview.next", tooltip="Show the next file"),
        Binding(
            "left", "file(-1)", "Previous file", id="preview.previous", tooltip="Show the previous file", show=False
        ),
        Binding("s", "speaker", "Speaker", id="preview.speaker", tooltip="Take one speaker's lines, or all"),
        Binding("x", "rules", "Rules", id="preview.rules", tooltip="Switch rules of cleaning off or on"),
        Binding("j", "scroll_down", "Down", id="list.down", show=False, system=True),
        Binding("k", "scroll_up", "Up", id="list.up", show=False, system=True),
        *quiet(b for b in VerticalScroll.BINDINGS if isinstance(b, Binding) and b.key not in ("left", "right")),
    ]
    DEFAULT_CSS = """
    PreviewPanel {
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        & > Static { height: auto; max-width: 96; }
        #files, #lore, #changes, #text { margin-top: 1; }
    }
    """

    class RulesAsked(Message):
        """The rules of cleaning are wanted, to be switched."""

    @dataclass
    class SpeakerChosen(Message):
        """The lines of ``name`` are wanted; everybody's where it is empty."""

        name: str

    def __init__(self) -> None:
        super().__init__(id="preview", classes="panel")
        self.speaker = ""
        self.keep: tuple[str, ...] = ()
        self.set_titles("Preview")
        self.preview = Preview()
        self.at = 0
        self.reading = False
        self.lore = LoreView()

    def compose(self) -> ComposeResult:
        for name in ORDER:
            yield Static(id=name)

    def on_mount(self) -> None:
        self.show(self.preview)

    def on_resize(self) -> None:
        self._draw()

    def set_reading(self, reading: bool) -> None:
        """Say that the texts are being read."""
        self.reading = reading
        self._draw()

    def show(self, preview: Preview) -> None:
        """Show ``preview``, at the file that was shown before where it is still there."""
        before = self.page.path if self.page else ""
        self.preview, self.reading = preview, False
        paths = [page.path for page in preview.pages]
        self.at = paths.index(before) if before in paths else 0
        self.refresh_bindings()
        self._draw()

    def show_lore(self, lore: LoreView) -> None:
        """Show the lore among the texts."""
        self.lore = lore
        self._draw()

    @property
    def page(self) -> Page | None:
        return self.preview.pages[self.at] if self.at < len(self.preview.pages) else None

    def show_path(self, path: str) -> None:
        """Show the file at ``path``, or the first one inside it."""
        found = next((i for i, page in enumerate(self.preview.pages) if page.path.startswith(path)), None)
        if found is not None:
            self.at = found
            self._draw()

    def action_file(self, by: int) -> None:
        if self.preview.pages:
            self.at = (self.at + by) % len(self.preview.pages)
            self._draw()
            self.scroll_home(animate=False)

    @property
    def speakers(self) -> list[str]:
        """Who can be chosen: all who speak where there are several, and who is chosen now."""
        several = [page.speakers for page in self.preview.pages if len(page.speakers) > 1]
        names = dict.fromkeys(name for speakers in several for name in speakers)
        return [*(names | ({self.speaker: None} if self.speaker else {}))]

    def action_rules(self) -> None:
        self.post_message(self.RulesAsked())

    def action_speaker(self) -> None:
        order = ["", *self.speakers]
        self.speaker = order[(order.index(self.speaker) + 1) % len(order)]
        self.post_message(self.SpeakerChosen(self.speaker))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.speakers) if action == "speaker" else True

    def _draw(self) -> None:
        preview, page = self.preview, self.page
        words = counted(preview.words, "word") if preview.words else ""
        self.set_titles(note="reading …" if self.reading else words)
        self._say("summary", self._summary())
        self._say("files", self._files() if len(preview.pages) > 1 else Content())
        self._say("lore", self.lore.content(min(MEASURE, max(30, self.scrollable_content_region.width))))
        self._say("changes", _changes(page) if page else Content())
        self._say("text", _text(page) if page else Content())

    def _say(self, name: str, content: Content) -> None:
        line = self.query_one(f"#{name}", Static)
        line.display = bool(content)
        line.update(content)

    def _summary(self) -> Content:
        preview = self.preview
        lines: list[Content] = []
        if not preview.pages and not preview.problems:
            said = "Reading your texts …" if self.reading else "Selected texts are shown here after cleaning."
            return Content.styled(said, "$foreground-muted")
        used = sum(1 for page in preview.pages if page.words)
        if used:
            lines.append(
                Content.assemble((f"{counted(preview.words, 'word')}", "bold"), f" in {counted(used, 'text')}")
            )
        if self.keep:
            lines.append(Content.styled(f"Not cleaned: {', '.join(self.keep)}", "$foreground-muted"))
        for problem in preview.problems:
            lines.append(
                Content.assemble(
                    ("✗ ", "$text-error"),
                    (problem.message, "$text-error"),
                    (f" {here(problem.hint)}", "$foreground-muted"),
                )
            )
        if self.speakers:
            whose = f"Only the lines of {self.speaker}" if self.speaker else "The lines of all speakers"
            lines.append(Content.styled(f"{whose} are taken; s chooses another.", "$foreground-muted"))
        warnings = [*preview.warnings]
        warnings += [
            f"{page.name}: {warning}" for page in preview.pages if page is not self.page for warning in page.warnings
        ]
        lines += [Content.assemble(("! ", "$text-warning"), warning) for warning in warnings]
        if preview.passed_over:
            names = ", ".join(preview.passed_over[:4]) + (" …" if len(preview.passed_over) > 4 else "")
            lines.append(Content.styled(f"Skipped, of no kind that can be read: {names}", "$foreground-muted"))
        return Content("\n").join(lines)

    def _files(self) -> Content:
        pages, width = self.preview.pages, min(MEASURE, max(30, self.scrollable_content_region.width))
        wide = width >= 64
        room = width - 2 - 14 - (21 if wide else 0)
        first = max(0, min(self.at - MOST_FILES // 2, len(pages) - MOST_FILES))
        lines = []
        for number, page in enumerate(pages[first : first + MOST_FILES], first):
            here = number == self.at
            words = counted(page.words, "word") if page.words else "not used"
            changes = f"  {counted(len(page.changes), 'kind')} of change" if page.changes and wide else ""
            lines.append(
                Content.assemble(
                    "› " if here else "  ",
                    (f"{shortened(page.name, room - 1):<{room}}", "bold" if here else ""),
                    (f"{words:>14}", "" if page.words else "$text-warning"),
                    (changes, "$foreground-muted"),
                )
            )
        rest = len(pages) - len(lines)
        if rest:
            lines.append(Content.styled(f"  and {counted(rest, 'more text')}", "$foreground-muted"))
        return Content("\n").join(lines)


def _changes(page: Page) -> Content:
    """Say what was done to a file and why."""
    facts = f" · {page.encoding}" if page.encoding else ""
    heading = Content.assemble((page.name, "bold"), (facts, "$foreground-muted"))
    lines = [heading, *(Content.assemble(("! ", "$text-warning"), warning) for warning in page.warnings)]
    lines += [Content.styled(sentence, "$foreground-muted") for sentence in page.structure]
    if page.words and not page.changes:
        lines.append(Content.styled("Nothing needed cleaning.", "$foreground-muted"))
    for change in page.changes:
        lines += _change(change)
    return Content("\n").join(lines)


def _change(change: Changed) -> list[Content]:
    what = change.what[:1].upper() + change.what[1:]
    lines = [
        Content.assemble("• ", (what, "bold"), f" ({change.count:,})  ", (change.why, "$foreground-muted")),
    ]
    if change.before:
        lines.append(Content.assemble(("    − ", "$text-error"), (change.before, "$foreground-muted")))
        if change.after:
            lines.append(Content.assemble(("    + ", "$text-success"), change.after))
    return lines


def _text(page: Page) -> Content:
    if not page.text:
        return Content()
    return Content.assemble(("After cleaning\n", "bold $text-primary"), page.text)

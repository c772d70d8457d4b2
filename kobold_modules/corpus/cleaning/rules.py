"""The rules by name: what each does, in which order they run, and which of them a writer may switch off.

A few rules always run, since without them a text is not readable at all (line ends, control characters).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .apparatus.archives import archives
from .apparatus.contents import contents
from .apparatus.first_page import back_page, front_page
from .apparatus.gutenberg import gutenberg
from .apparatus.notes import notes
from .apparatus.notices import back_notices, front_notices
from .apparatus.pages import page_furniture
from .apparatus.titles import titles, underlined
from .apparatus.transcribers import transcribers
from .change import Rule
from .characters import composed, controls, double_spaces, garbled, invisible, ligatures, line_ends, spaces, trailing
from .layout.breaks import scene_breaks, tidy_breaks
from .layout.double_spaced import double_spaced
from .layout.drop_caps import drop_caps
from .layout.paragraphs import paragraphs
from .markup.emphasis import emphasis, emphasis_but_stars
from .markup.encoded import encoded
from .markup.html import tags
from .names import check_keep
from .typography import accents, dashes, ellipses, quotes


@dataclass(frozen=True, slots=True)
class Step:
    """One rule in its place.

    Attributes:
        run: the rule.
        name: what it is called in :data:`.names.KEEPABLE`; empty for rules that always run.
        deletes: it takes words away, so the report says how much.
        local: it looks at single characters, so joining lines and taking paragraphs away gives it no new work.
        moves: all it does is to join lines and to take whole lines away.
        place: which part of a large text it looks at; ``once`` is before the text is taken apart.
    """

    run: Rule
    name: str = ""
    deletes: bool = False
    local: bool = False
    moves: bool = False
    place: Literal["all", "front", "back", "once"] = "all"


CHARACTERS: tuple[Step, ...] = (
    Step(garbled, local=True),
    Step(line_ends, local=True),
    Step(controls, local=True),
    Step(invisible, local=True),
    Step(spaces, local=True),
    Step(trailing, moves=True),
    Step(ligatures, "dialect", local=True),
    Step(composed, local=True),
)
TEXT: tuple[Step, ...] = (
    Step(gutenberg, "gutenberg", True, place="once"),
    Step(transcribers, "transcribers", True, moves=True),
    Step(archives, "author-notes", True),
    Step(front_notices, "imprints", True, moves=True, place="front"),
    Step(back_notices, "imprints", True, moves=True, place="back"),
    Step(front_page, "first-page", True, moves=True, place="front"),
    Step(back_page, "first-page", True, moves=True, place="back"),
    Step(encoded, "pictures", True),
    Step(notes, "notes", True),
    Step(tags, "markup", True),
    Step(quotes, "quotes", local=True),
    Step(accents, "dialect", local=True),
    Step(emphasis, "emphasis"),
    Step(page_furniture, "page-numbers", True, moves=True),
    Step(contents, "contents", True, moves=True),
    Step(underlined, "titles", moves=True),
    Step(scene_breaks, "scene-breaks", moves=True),
    Step(drop_caps, "dialect"),
    Step(double_spaced, moves=True),
    Step(paragraphs, "verse", moves=True),
    Step(titles, "titles", True, moves=True),
    Step(ellipses, "ellipses"),
    Step(dashes, "dashes"),
    Step(double_spaces, "spaces"),
    Step(trailing, moves=True),
    Step(tidy_breaks, moves=True),
)
_WITHOUT_STARS = Step(emphasis_but_stars, "emphasis")


def steps(keep: Iterable[str] = (), *, straight_quotes: bool = True) -> tuple[Step, ...]:
    """Return the rules in their order, without those that are kept off.

    Raises:
        BadUsage: if ``keep`` has a name that is no rule's.
    """
    kept = frozenset(check_keep(keep)) | (frozenset() if straight_quotes else {"quotes"})
    chosen = tuple(step for step in (*CHARACTERS, *TEXT) if step.name not in kept)
    if "stars" in kept:
        return tuple(_WITHOUT_STARS if step.run is emphasis else step for step in chosen)
    return chosen

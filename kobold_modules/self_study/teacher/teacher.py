"""One call of the teacher: questions about a few entries, its answers to them, and some prose, all checked.

Calls are numbered, and a number always means the same: the forms in turn, in each all groups, in each group all its
entries. So a group is read once for all calls about its entries, and a study that was stopped goes on at a number.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

from ...backends.llamacpp.engine import LlamaEngine
from ..checks import NO_QUESTION, SHORT, TWICE, fault_of_answer, fault_of_prose, fault_of_question
from ..example import Example, ExampleKind
from ..groups import groups_of
from ..lore import LoreEntry
from ..plan import in_english
from ..settings import StudySettings
from ..store import Call
from ..templates.draft import FRAMES
from ..templates.subject import inside, short_names
from .batch import Task, write_all
from .forms import QUESTION_FORMS, QUESTIONS, asking_for_questions, prose_form
from .replies import answer_in, first_sentence, questions_in


ROUNDS = 3 * len(QUESTION_FORMS)  # times that each entry is asked about
LONGEST_VIEW = 900  # tokens of a group
ROOM = 256  # tokens of a context that are kept for questions and answers
LONGEST_LIST, LONGEST_ANSWER, LONGEST_PROSE = 120, 48, 64  # tokens
QUESTION_HEAT, PROSE_HEAT = 0.7, 0.6  # temperatures
AT_ONCE = 3  # entries of a group that one call is about
MOST_IN_VIEW = 3  # entries that an example shows, of those a question or its answer names


class Teacher:
    """A loaded model with the lore to be asked about.

    Attributes:
        calls: how many there are.
        left_out: entries that are too long for the model's context.
    """

    def __init__(self, engine: LlamaEngine, entries: Sequence[LoreEntry], settings: StudySettings) -> None:
        self._engine = engine
        self._settings = settings
        self._template = engine.chat_template if settings.chat else None
        room = engine.info.context - min(ROOM, engine.info.context // 2)
        lengths = {entry: len(engine.tokenize(entry.view)) for entry in entries}
        short = [entry for entry in entries if lengths[entry] <= room]
        self.left_out = len(entries) - len(short)
        self._english = dict(zip(entries, in_english(entries), strict=True))
        self._groups = groups_of(short, min(LONGEST_VIEW, room), lambda entry: lengths[entry])
        self._turns = [
            (group, group[at : at + AT_ONCE]) for group in self._groups for at in range(0, len(group), AT_ONCE)
        ]
        self.calls = ROUNDS * len(self._turns)

    def call(self, number: int, cancelled: Callable[[], bool]) -> Call | None:
        """Make the ``number``-th call; None where ``cancelled`` said so before it was done. Raises EngineFailed."""
        group, entries = self._turns[number % len(self._turns)]
        form = number // len(self._turns)
        chance = random.Random(f"{self._settings.seed} {number}")
        dropped: Counter[str] = Counter()
        view = "".join(member.view for member in group)
        begun = [self._begin(view, entry, form, chance) for entry in entries]
        replies = write_all(self._engine, [task for _, _, tasks in begun for task in tasks], cancelled)
        if replies is None:
            return None
        examples: list[Example] = []
        asked: list[tuple[LoreEntry, str]] = []
        for entry, (listed, prose, tasks) in zip(entries, begun, strict=True):
            texts = [replies.pop(0).text for _ in tasks]
            if listed is not None:
                asked += [(entry, question) for question in self._questions(listed + texts.pop(0), view, dropped)]
            if prose is not None:
                examples += self._prose(group, entry, *prose, texts.pop(0), dropped)
        answered = self._answers(group, asked, view, chance, cancelled, dropped)
        return None if answered is None else Call(number, (*examples, *answered), dict(dropped))

    def _begin(
        self, view: str, entry: LoreEntry, form: int, chance: random.Random
    ) -> tuple[str | None, tuple[ExampleKind, str] | None, list[Task]]:
        """Return how a list of questions and some prose about ``entry`` begin (None: not wanted), and their tasks."""
        english, tasks = self._english[entry], list[Task]()
        listed, prose = None, None
        if "question" in self._settings.kinds:
            asked = asking_for_questions(view, entry.title if entry.about else "", form, english, self._template)
            listed = asked.begun
            tasks.append(self._list_task(asked.view + asked.prompt + asked.begun, asked.special, chance))
        kind, begins = prose_form(form, english)
        if kind in self._settings.kinds and entry.about:
            name = chance.choice([entry.title, *short_names(entry)[:1]])
            before = begins.replace("{name}", name if begins.startswith("{name}") else inside(name))
            prose = (kind, before)
            tasks.append(Task(view + before, LONGEST_PROSE, PROSE_HEAT, chance.randrange(2**31), ("\n\n",)))
        return listed, prose, tasks

    def _list_task(self, text: str, special: bool, chance: random.Random) -> Task:
        stop = () if special else ("\n\n",)
        return Task(text, LONGEST_LIST, QUESTION_HEAT, chance.randrange(2**31), stop, special)

    def _questions(self, reply: str, view: str, dropped: Counter[str]) -> list[str]:
        kept = []
        for question in questions_in(reply, 2 * QUESTIONS):
            if fault := fault_of_question(question, view):
                dropped[fault] += 1
            else:
                kept.append(question)
        if not kept and not dropped:
            dropped[NO_QUESTION] += 1
        return kept[:QUESTIONS]

    def _answers(
        self,
        group: Sequence[LoreEntry],
        asked: Sequence[tuple[LoreEntry, str]],
        view: str,
        chance: random.Random,
        cancelled: Callable[[], bool],
        dropped: Counter[str],
    ) -> list[Example] | None:
        """Return the teacher's answers to questions, likeliest words only; None where it was cancelled."""
        prompts = [self._prompt(question, view, chance) for _, question in asked]
        tasks = [
            Task(before + prompt, LONGEST_ANSWER, stop=() if special else ("\n", "”"), special=special)
            for before, prompt, _, special in prompts
        ]
        replies = write_all(self._engine, tasks, cancelled) if tasks else []
        if replies is None:
            return None
        found: list[Example] = []
        for (entry, question), (_, prompt, behind, special), reply in zip(asked, prompts, replies, strict=True):
            answer = answer_in(reply.text, reply.ended)
            shown = self._shown(group, entry, f"{question} {answer}")
            narrow = "".join(member.view for member in shown)
            fault = fault_of_answer(answer, question, [member.view for member in shown]) if answer else SHORT
            if fault:
                dropped[fault] += 1
                continue
            if special and self._template is not None:
                narrow, prompt = self._template.question(question, narrow)
            titles = tuple(member.title for member in shown)
            text = behind.replace("{answer}", answer)
            found.append(Example("question", titles, narrow, prompt, text, "teacher", special))
        return found

    def _prompt(self, question: str, view: str, chance: random.Random) -> tuple[str, str, str, bool]:
        """Return what the teacher reads in front, the prompt, the answer's form, and whether they are special.

        A chat model is asked in its own form every other time, and plainly, as in a story, else.
        """
        before, behind = chance.choice(FRAMES)
        if self._template is not None and chance.random() < 0.5:
            try:
                return (*self._template.question(question, view), "{answer}", True)
            except ValueError:
                pass
        return view, before.replace("{question}", question), behind, False

    def _prose(
        self,
        group: Sequence[LoreEntry],
        entry: LoreEntry,
        kind: ExampleKind,
        before: str,
        reply: str,
        dropped: Counter[str],
    ) -> list[Example]:
        text = first_sentence(reply)
        shown = self._shown(group, entry, before + text)
        view = "".join(member.view for member in shown)
        if fault := fault_of_prose(text, before, view):
            dropped[fault] += 1
            return []
        end = "”\n" if kind == "dialogue" and not text.endswith("”") else "\n"
        titles = tuple(member.title for member in shown)
        return [Example(kind, titles, view, before, text + end, "teacher")]

    def _shown(self, group: Sequence[LoreEntry], entry: LoreEntry, text: str) -> list[LoreEntry]:
        """Return ``entry`` and those of its group that ``text`` names, in the group's order, a few at most."""
        folded = text.casefold()
        named = [
            member
            for member in group
            if member != entry and any(len(name) > 2 and name.casefold() in folded for name in member.names)
        ]
        kept = {entry, *named[: MOST_IN_VIEW - 1]}
        return [member for member in group if member in kept]


def without_repeats(examples: Sequence[Example], dropped: Counter[str]) -> list[Example]:
    """Return ``examples`` without those that ask what one before asks in the same form."""
    found: dict[tuple[str, str], Example] = {}
    for example in examples:
        key = (example.kind, example.prompt.casefold())
        if key in found:
            dropped[TWICE] += 1
        found.setdefault(key, example)
    return list(found.values())

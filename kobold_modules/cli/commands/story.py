"""``generate --story``: a saved story goes on, and is saved again.

While the model writes, the take is on disk piece by piece (``story_autosave``), so a kill costs nothing; the next run,
or the interface, finds it in the story.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from ...disk.files import check_target, writing
from ...disk.free_name import free_path
from ...disk.stamp import digest_of
from ...errors import BadUsage
from ...generation.banned_strings import literal
from ...generation.log import seeded
from ...generation.protocol import Request
from ...records import Saved, TextChunk
from ...stories.autosave import in_use
from ...stories.file import (
    Autosave,
    backup_of,
    describe_unused,
    describe_used,
    format_of,
    load,
    read_only,
    recover,
    save,
    settings_of,
)
from ...stories.lore import lorebooks
from ...stories.story import Story
from .. import INTERRUPTED
from ..interrupts import interruptible
from ..options.length import ending_of, most_tokens
from ..options.lore import books_of, bring_in
from ..options.prompt import prompted, read_prompt
from ..options.sampler_options import sampler_of
from ..options.stack import parse_stack, sources_of
from ..output import Output
from ..writing import Meter, closing_line, opened, warn_of_bias, warn_of_misfits, write


def continue_story(arguments: argparse.Namespace, output: Output) -> int:
    """Continue the story at ``--story`` by one take. See the parser for the options."""
    path = Path(arguments.story)
    if in_use(path):
        raise BadUsage(f"Another program is writing {path.name} just now.", "Wait until its take is finished.")
    story = _opened(path, arguments, output)
    target = Path(arguments.save_as) if arguments.save_as is not None else path
    _check_target(path, target, arguments.replace)
    before = digest_of(path)
    stack, sampler, settings = parse_stack(arguments.module), sampler_of(arguments), settings_of(story)
    sampler = replace(sampler, banned=(*sampler.banned, *map(literal, settings.banned)))
    most = most_tokens(arguments)
    if most == 0:  # nothing to write: the story is only looked after, or changes its format
        _save(story, target, before if target == path else None, output)
        return 0
    if arguments.lore:  # the story's from now on, as memory and note are
        books_of(arguments)
        story.lorebooks = tuple(str(Path(name).expanduser().resolve()) for name in arguments.lore)
    books, problems = lorebooks(story)
    for problem in problems:
        output.say(f"warning: {problem}")
    ending, autosave = ending_of(arguments), Autosave(path)
    with opened(arguments.model, arguments.contextsize, output) as engine, interruptible() as stopped:
        warn_of_misfits(engine, stack, output)
        warn_of_bias(engine, sampler, output)
        request = seeded(
            Request(
                text=story.text,
                stack=stack,
                max_tokens=most,
                sampler=sampler,
                stop=tuple(dict.fromkeys((*arguments.stop, *settings.stop))),
                memory=story.memory,
                note=story.note_text,
                note_depth=arguments.note_depth,
            )
        )
        request = bring_in(request, books, arguments, engine, output)
        seed = request.sampler.seed
        with writing(path):
            autosave.begin(story, stack.label, seed)
        meter = Meter(output, arguments.words, most, streamed=True)
        taken: list[str] = []

        def show(piece: str) -> None:
            autosave.feed(piece)
            taken.append(piece)
            meter.count(ending.words)
            meter.clear()
            output.write(piece)
            if output.json:
                output.show(TextChunk(piece))

        try:
            outcome = write(engine, request, ending, show, lambda: bool(stopped), sources_of(arguments.module))
        finally:  # however it ended, what was shown is part of the story
            meter.clear()
            output.write("\n")
            story.append_take("".join(taken), stack.label, seed)
            _save(story, target, before if target == path else None, output)
            autosave.end()
        if output.json:
            output.show(outcome.written)
        output.say(closing_line(outcome, stack))
    return INTERRUPTED if stopped else 0


def _check_target(path: Path, target: Path, replace: bool) -> None:
    """Raise BadUsage where the story cannot be saved to ``target``, before a word is written that would be lost."""
    check_target(target, replace=replace or target == path or os.path.realpath(target) == os.path.realpath(path))
    if format_of(target) == "read only":
        raise read_only(target)


def _opened(path: Path, arguments: argparse.Namespace, output: Output) -> Story:
    """Return the story to continue, with what the options add to it.

    A missing file is a new story if there is a prompt.
    """
    more = read_prompt(arguments) if prompted(arguments) else None
    if path.exists() or more is None:
        story, recovered = recover(path, load(path, recovering=False))
    else:
        story, recovered = recover(path, Story(path.stem))
    if recovered is not None and recovered.take is not None:
        words = len(recovered.take.text.split())
        output.say(f"A take of {words:,} words that was cut short was restored at the end of the story.")
    elif recovered is not None and recovered.aside is not None:
        output.say(f"A take that was cut short is in {recovered.aside}, because the story was changed since.")
    for sentence in (describe_used(story), describe_unused(story)):
        if sentence:
            output.say(sentence)
    if arguments.retry:
        if not story.can_retry:
            raise BadUsage(f"{path.name} does not end with a take that could be written again.")
        story.retry()
    if more is not None:
        story.edit(_joined(story.text, more))
    if arguments.memory:
        story.memory = arguments.memory
    if arguments.note:
        story.note = arguments.note
    return story


def _joined(text: str, more: str) -> str:
    """Return ``text`` and ``more`` with at least a space between them, if there are words on both sides."""
    apart = text and more and not text[-1].isspace() and not more[0].isspace()
    return f"{text} {more}" if apart else text + more


def _save(story: Story, target: Path, before: str | None, output: Output) -> None:
    """Write ``story`` to ``target``, unless that was changed since it had the digest ``before``: then beside it."""
    if before is not None and digest_of(target) not in (before, None):
        output.say(f"warning: {target.name} was changed by another program meanwhile.")
        target = free_path(target.with_name(f"{target.stem}.continued{target.suffix}"), always_number=True)
    first = target.exists() and not backup_of(target).exists()
    save(story, target, backup=True)
    output.show(Saved(str(target), "story"))
    if first and backup_of(target).exists():
        output.say(f"  as it was before: {backup_of(target)}")

"""From files to what a training takes: texts read, lore studied, all of it cut into rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from ..corpus import Corpus
from ..forward.prompt_loss import PromptLoss
from ..models.reference import ModelFile
from ..records import Note, Progress, Record
from .data import TrainingData, check_room, read_texts, writer_of
from .imitation import Imitated, imitating
from .near import ids_near
from .settings import TOKENS, TrainingRequest
from .world.data import Studied, lore_of, studied, tokens_for, world_data
from .world.recipe import PREFIX_RATE, RATE


LEAST_WORDS = 300  # of texts that are trained on as they are


def read_all(requests: Sequence[TrainingRequest]) -> Generator[Record, None, list[Corpus]]:
    """Read the texts of every module, and say what became of them."""
    yield Progress("reading the texts", 0, 1)
    corpora = []
    for each in requests:
        corpora.append((yield from read_texts(each, 1 if lore_of(each) else LEAST_WORDS)))
    for each, corpus in zip(requests, corpora, strict=True):
        for sentence in described(corpus, each):
            yield Note(sentence)
    return corpora


def described(corpus: Corpus, request: TrainingRequest) -> list[str]:
    """Describe what was read, in sentences. The corpus' warnings are of learning a voice: lore is spared them."""
    return (replace(corpus, warnings=()) if lore_of(request) else corpus).describe()


def study_all(
    requests: Sequence[TrainingRequest], file: ModelFile, stop: Callable[[], bool]
) -> Generator[Record, None, list[Studied]]:
    """Make examples of the lore of every module; none where they are trained on their texts as they stand."""
    lore = [lore_of(each) for each in requests]
    if not all(lore):
        if any(lore):
            yield Note("Not all of these files hold entries of lore: all are trained on as text.")
        return []
    found = []
    for each, entries in zip(requests, lore, strict=True):
        found.append((yield from studied(each, entries, file, stop)))
    return found


def settled(requests: Sequence[TrainingRequest], lore: Sequence[Studied], loss: PromptLoss) -> list[TrainingRequest]:
    """Return ``requests`` with what they leave open: objective, rate, virtual tokens."""
    if not lore:
        return [replace(each, objective="text", tokens=each.tokens or _tokens_of(each, loss)) for each in requests]
    wanted = [
        _tokens_of(each, loss) if each.near and not each.tokens else tokens_for(each, found.entries, loss)
        for each, found in zip(requests, lore, strict=True)
    ]
    return [replace(each, objective="study", tokens=max(wanted), rate=_rate(each)) for each in requests]


def _rate(request: TrainingRequest) -> float:
    """Return the learning rate of a world: as asked, or what suits the kind of prompt."""
    if request.rate is not None:
        return request.rate
    return PREFIX_RATE if request.method == "prefix" else RATE


def _tokens_of(request: TrainingRequest, loss: PromptLoss) -> int:
    """Return the virtual tokens of a module that leaves them open and has no lore: those of the text it stays near."""
    return len(ids_near(request.near, loss.frozen.encode)) if request.near else TOKENS


def prepare(
    requests: Sequence[TrainingRequest],
    corpora: Sequence[Corpus],
    lore: Sequence[Studied],
    loss: PromptLoss,
    teacher: Imitated | None = None,
) -> Generator[Record, None, list[TrainingData]]:
    """Split and tokenise the texts of every module, and ask ``teacher`` about them where there is one."""
    if lore:
        return (yield from _prepare_worlds(requests, corpora, lore, loss, teacher))
    writers = [writer_of(each, corpus, loss.frozen) for each, corpus in zip(requests, corpora, strict=True)]
    for writer in writers:
        for sentence in writer.split.describe():
            yield Note(sentence)
    tokens = sum(writer.rows.tokens for writer in writers)
    yield Note(
        f"{sum(corpus.words for corpus in corpora):,} words are {tokens:,} tokens to train on; another part is "
        "held out to measure with."
    )
    if teacher is None:
        return writers
    taught: list[TrainingData] = []
    for writer in writers:
        first = sum(len(each.targets or ()) for each in taught)
        taught.append((yield from imitating(writer, teacher, first)))
    return taught


def _prepare_worlds(
    requests: Sequence[TrainingRequest],
    corpora: Sequence[Corpus],
    lore: Sequence[Studied],
    loss: PromptLoss,
    teacher: Imitated | None,
) -> Generator[Record, None, list[TrainingData]]:
    """Cut the examples of every module into rows; all of them point into one table of targets."""
    writers: list[TrainingData] = []
    at = 0
    front = None if teacher is None else (teacher.loss, teacher.prompt)
    for each, corpus, found in zip(requests, corpora, lore, strict=True):
        check_room(each, loss.frozen)
        writer = yield from world_data(each, corpus, found, loss, at, front)
        at += len(writer.targets or ())
        writers.append(writer)
        room = each.tokens / loss.frozen.context
        yield Note(
            f"{writer.facts['examples']:,} examples about {len(writer.lore):,} entries are {writer.rows.tokens:,} "
            f"tokens to train on; {writer.facts['questions']} more questions are kept apart to measure with. "
            f"{each.tokens} virtual tokens will take {room:.0%} of the {loss.frozen.context:,} that the model reads."
        )
    return writers

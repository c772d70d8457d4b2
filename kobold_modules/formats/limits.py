"""Every limit that reading a stranger's module file keeps to, in one place.

A module is a table of at most 2,047 rows: what KoboldAI accepts. The limits leave room for the widest model there is
and for a training's own notes beside it, and stop what was made to fill a memory or to take for ever.
"""

from __future__ import annotations

from ..soft_prompt.module import MOST_ROWS


WIDEST = 32_768  # columns of a table; the widest model whose size is known has half of that
MOST_FEATURES = 1 << 22  # numbers in a row of a PEFT prefix: keys and values of all layers of the largest model
MOST_NPY_HEADER = 10_000  # bytes; a real one has about a hundred
MOST_CARD = 4 << 20  # bytes of card.json
MOST_META = 1 << 20  # bytes of meta.json, and of adapter_config.json
MOST_TENSOR = MOST_ROWS * WIDEST * 4 + MOST_NPY_HEADER  # bytes of tensor.npy
MOST_FILE = 2 * MOST_TENSOR + MOST_CARD + MOST_META  # bytes of a module file
MOST_JSON = 1 << 26  # bytes of a module in one JSON document (mkultra, Sukima)
MOST_UNPACKED = MOST_TENSOR  # bytes that a JSON document's compressed data may become
MOST_MEMBERS = 1000  # files in a zip
MOST_DIRECTORY = 1 << 20  # bytes of a zip's directory
MOST_NESTING = 2  # zips inside one another
MOST_OPERATIONS = 200_000  # steps of a pickle that is read for its numbers
MOST_MEMO = 100_000  # values that a pickle remembers
MOST_PICKLE = 16 << 20  # bytes of the pickle in a PyTorch file; the numbers lie outside of it
MOST_STORAGES = 10_000  # arrays of a PyTorch file
LONGEST_LINE = 200  # characters of a name, an author, a tag
LONGEST_TEXT = 100_000  # characters of a description
DEEPEST_JSON = 32  # of a card

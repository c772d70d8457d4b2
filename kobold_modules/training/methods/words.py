"""Words searched by gradient, from a writer's pages to text."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from ...backends.torch.load import load_torch_model
from ...errors import BadText, BadUsage
from ...forward.prompt_loss import PromptLoss
from ...models.reference import ModelFile
from ...records import Progress
from ..packing import Rows
from .autoprompt import autoprompt
from .gcg import gcg
from .hard_prompt import Search, SearchTask, text_of
from .pez import pez


SEARCHES: dict[str, Search] = {"autoprompt": autoprompt, "pez": pez, "gcg": gcg}
ROW = 64  # tokens of a row: what stands in front is felt most at a text's beginning


def search_words(
    search: str,
    file: ModelFile,
    pages: Sequence[str],
    tokens: int,
    steps: int,
    seed: int,
    cancelled: Callable[[], bool] = lambda: False,
    start: str = "",
) -> Generator[Progress, None, str]:
    """Return the words that ``search`` finds for ``pages``, as text.

    Args:
        search: a name of :data:`SEARCHES`.
        start: text whose words it begins with; a stretch of the pages where there is none.

    Raises:
        BadText: the pages are too short; BadUsage: the model has no room for so many tokens.
        NoModel, OutOfMemory: as :func:`load_torch_model`.
    """
    frozen = load_torch_model(file, "auto")
    if tokens + ROW > frozen.context:
        raise BadUsage(f"{frozen.name} has room for {frozen.context} tokens; {tokens} leave none for text.")
    rows = Rows.of(tuple(pages), frozen.encode, ROW)
    if rows.length < ROW:
        raise BadText("There is too little text to search words for.", "Add more pages: 2,000 words and up.")
    task = SearchTask(PromptLoss(frozen), rows, tokens, steps, seed, cancelled, frozen.encode(start))
    found = yield from SEARCHES[search](task)
    return text_of(frozen, found.ids)

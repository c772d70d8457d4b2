"""``distil``: a module of rows that imitates another module, so that it can go where that one cannot."""

from __future__ import annotations

import argparse

from ...errors import BadUsage
from ...library import evidence
from ...library.library import Library
from ...models.find import resolve
from ...soft_prompt.stack import check_fit
from ...training import TrainingRequest
from ...training import train as train_module
from ..output import Output
from .train import report, stoppable


def distil(arguments: argparse.Namespace, output: Output) -> int:
    """Train a module to imitate another. Returns the exit code."""
    request = request_of(arguments)
    with stoppable() as stopped:
        kept = output.follow(train_module(request, lambda: bool(stopped)))
    return report(kept, stopped, output)


def request_of(arguments: argparse.Namespace) -> TrainingRequest:
    """Return the training that is asked for: on the pages of the module that is imitated, where none are named.

    Raises:
        BadModule: there is no such module in the library.
        BadUsage: nothing says which model or which texts.
        NoModel, WrongModel: the model is missing, or the module does not fit it.
    """
    library = Library()
    entry = library.entry(arguments.module)
    module = library.load(entry)
    sources = evidence.read_sources(entry.path.parent)
    files = tuple(arguments.files or sources.get("files", ()))
    if not files:
        raise BadUsage(
            f"Nothing says what {module.name} was trained on.",
            "Name texts of its kind to learn on.",
        )
    model = arguments.model or module.card.model
    if not model:
        raise BadUsage(f"{module.name} does not say which model it was made for.", "Name it: --model MODEL.")
    file = resolve(model)
    check_fit(module, file.fingerprint, file.name)
    given = {
        name: value
        for name in ("minutes", "steps", "seed", "tokens", "dial")
        if (value := getattr(arguments, name)) is not None
    }
    given.setdefault("tokens", module.tokens)
    return TrainingRequest(
        files=files,
        name=arguments.name or f"{module.name} distilled",
        model=str(file.path) if arguments.model else model,
        kind="world" if module.card.kind == "world" else "style",
        description=arguments.description or f"Imitates {module.name}.",
        author=module.card.author,
        imitate=entry.name,
        stack_safe=False,
        keep=tuple(sources.get("keep", ())) if not arguments.files else (),
        speaker=tuple(sources.get("speaker", ())) if not arguments.files else (),
        replace=arguments.replace,
        resume=arguments.resume,
        device=arguments.device,
        out=arguments.out,
        **given,
    )

"""``measure``: what a stack does to the loss on a text it never saw."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BadText
from ...evaluation.report import long_gain, measured_gain
from ...models.find import resolve
from ...soft_prompt.stack import Stack
from ..options.stack import parse_stack
from ..output import Output, table


if TYPE_CHECKING:
    from ...corpus import Corpus


def measure(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.per_token:
        from .inspect import per_token

        return per_token(arguments, output)
    file = resolve(arguments.model)
    stack = parse_stack(arguments.module)

    from ...corpus import read as read_corpus

    texts = {name: read_corpus([Path(name)]) for name in arguments.text}

    import torch

    from ...backends.torch.load import load_torch_model
    from ...evaluation.bits import HeldOut
    from ...evaluation.bits import measure as measure_bits
    from ...forward.prompt_loss import PromptLoss

    frozen = load_torch_model(file, arguments.device)
    for warning in stack.check(frozen.fingerprint, file.name):
        output.say(f"warning: {warning}")
    loss, prompt = PromptLoss(frozen), None
    if stack.is_deep:
        loss = loss.deep()
        prompt = loss.behind(stack)
    elif (matrix := stack.matrix()) is not None:
        prompt = torch.tensor(matrix, device=frozen.device)
    rows = []
    for name, corpus in texts.items():
        for module in trained_on(corpus, stack):
            output.say(f"warning: {module} was trained on pages of {name}: this does not say how it does on new ones.")
        held_out = HeldOut.of(tuple(document.text for document in corpus.documents), frozen.encode)
        if held_out.tokens == 0:
            raise BadText(f"{name} is too short to measure.")
        without = measure_bits(loss, None, held_out, stack.tokens)
        with_stack = measure_bits(loss, prompt, held_out, stack.tokens) if prompt is not None else without
        gain = with_stack.compared_to(without)
        rows.append(
            (
                Path(name).name,
                f"{held_out.tokens:,}",
                f"{without.nats_per_token:.4f}",
                f"{with_stack.nats_per_token:.4f}",
                f"{without.bits_per_byte:.4f}",
                f"{with_stack.bits_per_byte:.4f}",
                long_gain(gain) if prompt is not None else "-",
            )
        )
        output.object(
            text=name,
            stack=stack.label,
            tokens=held_out.tokens,
            nats_per_token={"without": without.nats_per_token, "with": with_stack.nats_per_token},
            bits_per_byte={"without": without.bits_per_byte, "with": with_stack.bits_per_byte},
            **measured_gain(gain),
            stretches=gain.stretches,
        )
    headings = ("text", "tokens", "nats/token", "with", "bits/byte", "with", "predicted")
    output.say(f"{file.name} with {stack.label}:")
    output.data(table(rows, headings))
    return 0


def trained_on(corpus: Corpus, stack: Stack) -> list[str]:
    """Return the modules of ``stack`` whose cards name a file of ``corpus`` among their sources."""
    hashes = {document.sha256 for document in corpus.documents}
    modules = [layer.module for layer in stack.active]
    return [
        module.card.name for module in modules if hashes & {str(source.get("sha256")) for source in module.card.sources}
    ]

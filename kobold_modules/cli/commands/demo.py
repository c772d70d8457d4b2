"""``demo``: everything on real parts, from the sample texts to a zip and a written page."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import textwrap
from pathlib import Path

from ...disk.files import check_target
from ...duration import duration
from ...evaluation.control_texts import samples_folder
from ...formats.check import check as check_file
from ...library.library import Library
from ...models.find import resolve
from ...models.smollm2 import GET, smollm2_path
from ...models.smollm2 import NAME as SMOLLM2
from ...records import TrainedModule
from ...training import TrainingRequest, train
from ...training.destination import holds
from ..output import Output
from ..verdict import verdict
from .generate import side_by_side
from .modules.library import describe
from .train import stoppable


NAME = "demo noir"
VOICE = "noir"


def demo(arguments: argparse.Namespace, output: Output) -> int:
    import time

    began = time.monotonic()
    file = resolve(arguments.model)
    model = arguments.model
    name = NAME if model == "starter" else f"{NAME} {file.name}"
    out = Path(arguments.out).expanduser()
    check_target(out, ".zip", replace=holds(out, name))  # an earlier demo's, and nothing else
    output.say(f"1. Reading {samples_folder() / VOICE}, and training a style module on {_called(model, file.name)}.")
    output.say("   The model stays as it is; 'held-out' is a part of the story that training never sees.")
    request = TrainingRequest(
        files=(str(samples_folder() / VOICE),),
        name=name,
        model=model,
        description="A clipped first-person noir, trained by `kobold-modules demo`.",
        author="kobold_modules",
        minutes=arguments.minutes,
        out=str(out),
        replace=True,
    )
    with stoppable() as stopped:
        kept = output.follow(train(request, lambda: bool(stopped)))
    result = next(record for record in kept if isinstance(record, TrainedModule))
    module = Library().find(name)

    output.say("\n2. The module, as the library keeps it.\n")
    card = describe(module).split("\nopening:")[0]
    output.data(textwrap.indent(card.strip(), "   "))
    output.say(f"\n3. Will KoboldAI load {arguments.out}?\n")
    for finding in check_file(Path(arguments.out)).findings:
        output.data(f"   {'✓' if finding.level == 'ok' else '!'} {finding.sentence}")

    output.say("\n4. The same opening, from the held-out part, continued by llama.cpp without and with the module.\n")
    samples = module.card.samples
    width = min(120, shutil.get_terminal_size().columns)
    paragraphs = [textwrap.fill(line, width) for line in samples["opening"].split("\n")]
    output.data("\n".join(paragraphs) + " ...\n")
    bits = module.card.measured
    titles = (
        f"without ({bits['bits_per_byte_without']:.4f} bits/byte)",
        f"with {name} ({bits['bits_per_byte_with']:.4f} bits/byte)",
    )
    output.data(side_by_side(titles, (samples["without"].strip(), samples["with"].strip()), width))
    output.say("")
    output.data(verdict(result))
    output.say(
        f"Done in {duration(time.monotonic() - began)}. KoboldAI loads {arguments.out} from its softprompts folder."
    )
    output.say("  kobold-modules                          opens the terminal interface")
    which = "" if model == "starter" else f"--model {shlex.quote(model)} "
    output.say(f'  kobold-modules generate {which}--module "{name}" --prompt "The lift stopped."')
    if model == "starter":
        output.say(_next_model())
    if stopped:
        return 130
    if not arguments.no_tui and not output.json and sys.stdin.isatty() and sys.stdout.isatty():
        return _offer_interface(model, name)
    return 0


def _called(model: str, name: str) -> str:
    return {"starter": "the starter model", SMOLLM2: "SmolLM2 135M"}.get(model, name)


def _next_model() -> str:
    """Return the line about a model that knows more than the starter."""
    if smollm2_path() is not None:
        return f"  kobold-modules demo --model {SMOLLM2}     does this on a real small model, SmolLM2 135M"
    return f"  {GET}     fetches a real small model (98 MB); then: demo --model {SMOLLM2}"


def _offer_interface(model: str, name: str) -> int:
    try:
        answer = input("\nOpen the terminal interface on the new module now? [Y/n] ")
    except EOFError:
        return 0
    if answer.strip().lower() in ("", "y", "yes"):
        from .tui import open_interface

        return open_interface(model, name)
    return 0

"""The command line. ``main`` parses, runs one verb and turns errors into a sentence and an exit code.

Nothing heavy is imported until a verb needs it: ``kobold-modules --help`` loads no torch, llama.cpp or textual.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any


INTERRUPTED = 130
_NATIVE = (
    *("demo", "distil", "prune", "generate", "compare", "serve", "measure", "evaluate"),
    *("phrase", "port", "settle", "lore", "untie"),
)
_OF_THE_QUEUE = ("detach", "queue", "follow", "pause", "go_on", "stop", "cancel")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        argv: what to run, in this process. Without it, this process's own arguments; a verb that loads native code
            then runs in a child (see ``supervisor``).
    """
    from ..cores import keep_to_what_is_granted

    # All are read when a native library first loads. Spinning threads on a busy machine cost a factor of six.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    keep_to_what_is_granted()

    from ..errors import KoboldModulesError, of_os_error
    from ..supervised import enter
    from .code_page import take_any_text
    from .output import Output

    _fill_closed_streams()
    take_any_text()
    ours = argv is not None or enter()
    arguments = _arguments(argv)
    output = Output(json=getattr(arguments, "json", False))
    if not ours and loads_native_code(arguments):
        from .supervisor import run_in_child

        return run_in_child(sys.argv[1:], arguments, output)
    if hasattr(arguments, "verb"):  # the interface loads none of them
        from ..third_party_logging import keep_off_the_terminal

        keep_off_the_terminal()
    try:
        code: int = arguments.run(arguments, output)
        sys.stdout.flush()
        return code
    except KoboldModulesError as error:
        return output.failed(error)
    except KeyboardInterrupt:
        output.error("Interrupted.", "", INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output (head, less) has gone; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a disk that is full, read-only or gone; whoever knew more has said it before this
        return output.failed(of_os_error(error))
    except MemoryError:
        output.error("There is not enough memory for this.", "Close other programs or choose a smaller model.", 6)
        return 6


def _fill_closed_streams() -> None:
    """Put the null device where stdin, stdout or stderr was closed (``>&-``).

    Else the next file that is opened takes the free number, and gets whatever a library prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", errors="replace"))


def loads_native_code(arguments: Any) -> bool:
    """Return whether the verb may load llama.cpp or torch, which can end the process they run in."""
    verb = getattr(arguments, "verb", "")  # none for the interface, which has a worker process
    if verb == "train":  # the queue's trainings have processes of their own
        return not any(getattr(arguments, option) for option in _OF_THE_QUEUE)
    if verb == "show":
        return arguments.nearest is not None or arguments.worth is not None
    if verb in ("export", "convert"):  # llama.cpp knows a model's tokens, torch makes vLLM's tensors
        return arguments.format in ("llama-lora", "prompt-embeds") or arguments.program in ("koboldcpp", "vllm")
    return verb in _NATIVE


def _arguments(argv: Sequence[str] | None) -> Any:
    """Parse ``argv``.

    No arguments at all open the interface, without making the parser with all its verbs: that would take a tenth of
    the time to the first frame.
    """
    if not (sys.argv[1:] if argv is None else argv):
        from types import SimpleNamespace

        from .commands.tui import run

        return SimpleNamespace(run=run, model="starter", module=None, json=False)
    from .parser import parse

    return parse(argv)

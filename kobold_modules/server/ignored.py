"""Fields of front ends that have no effect here: said once each, or refused where text without them would be wrong.

A sampler that is not here (``tfs``) leaves a text that is still a text. A grammar is another matter: who sends one
reads the answer with a program, so text that breaks it is no answer. koboldcpp writes on without a grammar that it
cannot read, llama-server answers 400, and so does this. llama.cpp's own grammars are not used: its matcher ends the
process on some that anybody can send (nested groups and repetitions exhaust the stack, ggml-org/llama.cpp#26600 and
#18988; a token too many throws, #12597), and where it takes minutes it cannot be stopped. Either way the texts of all
other clients would end or wait with it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..plain_text import one_line
from .body import Body, number
from .problem import Problem


FORMS = (
    *("grammar", "grammar_string", "json_schema", "response_format", "structured_outputs"),
    *("guided_json", "guided_regex", "guided_choice", "guided_grammar"),
)
# name: the values with which it does nothing anywhere
IGNORED: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("tfs", "tfs_z", "length_penalty", "guidance_scale", "encoder_repetition_penalty"), (1,)),
    **dict.fromkeys(("num_beams", "best_of", "rep_pen_slope"), (0, 1)),
    **dict.fromkeys(("top_a", "smoothing_factor", "epsilon_cutoff", "eta_cutoff", "penalty_alpha", "skew"), (0,)),
    **dict.fromkeys(("no_repeat_ngram_size", "min_tokens", "min_length", "min_new_tokens", "min_keep"), (0,)),
    **dict.fromkeys(("negative_prompt", "suffix", "tools", "functions", "images"), ()),
    "sampler_order": ([6, 0, 1, 3, 4, 2, 5],),  # the order here, but for samplers that are not
    **dict.fromkeys(("samplers", "sampler_priority", "temperature_last"), ()),
    "adaptive_target": (-1,),
}
_NOTHING: tuple[Any, ...] = (None, False, "", [], {})


def refuse_forms(body: Body) -> None:
    """Raise Problem where ``body`` asks for text of a certain form: a grammar, a schema, a call of a tool."""
    for name in FORMS:
        value = body.get(name)
        plain = isinstance(value, dict) and value.get("type") == "text"  # of OpenAI's response_format
        if value not in _NOTHING and not plain:
            raise _refusal(name)
    if body.get("tools") and body.get("tool_choice") not in (*_NOTHING, "none", "auto"):
        raise _refusal("tool_choice")


def _refusal(name: str) -> Problem:
    return Problem(
        400,
        f"{name} asks for text of a certain form, and this server cannot hold a model to one. Leave it out, or let "
        "koboldcpp or llama-server write, with a module exported for them (kobold-modules export --format llama-lora).",
        field=name,
    )


class IgnoredFields:
    """Says which fields have no effect, each once.

    Args:
        say: gets a sentence for a person.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def tell(self, body: Body) -> None:
        """Say which fields of ``body`` have no effect and have not been named yet."""
        new = [name for name, neutral in IGNORED.items() if name not in self._said and _asks(body.get(name), neutral)]
        if not new:
            return
        self._said.update(new)
        with suppress(OSError):  # nobody listens any more: no reason to refuse a client its text
            self._say(f"Without effect here, and said once: {', '.join(_shown(name, body[name]) for name in new)}.")


def _shown(name: str, value: Any) -> str:
    return f"{name} {one_line(str(value), 40)}" if isinstance(value, int | float | str) else name


def _asks(value: Any, neutral: tuple[Any, ...]) -> bool:
    """Return whether ``value`` would change a text where the field is heeded."""
    said = number(value)
    return value not in _NOTHING and value not in neutral and (said is None or said not in neutral)

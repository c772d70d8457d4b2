"""A chat model's own form of a conversation: the Jinja template in its file, rendered in a sandbox.

The control tokens come out as words (``<|im_start|>``) and are read as tokens where a text is marked ``special``. A BOS
is left out: a stack stands where it would be (see :mod:`.prompt`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple


MOST_TEMPLATE = 1 << 18  # characters; the longest templates with tools have a tenth of it
MOST_RENDERED = 1 << 22


class ChatMessage(NamedTuple):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The template of one model: ``source`` as in its file, and how its end of a text is spelled."""

    source: str
    eos: str = ""

    def render(self, messages: Sequence[ChatMessage], *, opening: bool = True) -> str:
        """Return the conversation as the model reads it.

        Args:
            opening: whether it ends with the opening of the model's own turn.

        Raises:
            ValueError: the template does not take such a conversation (some know no system's turn), or is broken.
        """
        import jinja2

        try:
            template = _environment().from_string(self.source)
            rendered: str = template.render(
                messages=[message._asdict() for message in messages],
                add_generation_prompt=opening,
                bos_token="",
                eos_token=self.eos,
                tools=None,
            )
        except (jinja2.TemplateError, TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as error:
            raise ValueError(f"the chat template cannot be used: {error}") from error
        except RecursionError as error:
            raise ValueError("the chat template is nested too deeply") from error
        if len(rendered) > MOST_RENDERED:
            raise ValueError("the chat template writes more than any conversation needs")
        return rendered

    def question(self, question: str, lore: str = "") -> tuple[str, str]:
        """Return a question as two texts: what only one who knows ``lore`` reads, and what everybody reads behind it.

        The lore is the system's turn where the template has one; else it stands before the conversation, as it is.

        Raises:
            ValueError: see :meth:`render`.
        """
        asked = ChatMessage("user", question)
        try:
            before = self.render([ChatMessage("system", lore.strip())], opening=False)
            whole = self.render([ChatMessage("system", lore.strip()), asked])
        except ValueError:
            before = whole = ""
        if before and whole.startswith(before) and lore.strip() in before:
            return before, whole[len(before) :]
        return lore, self.render([asked])


def _environment() -> Any:
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _refuse(message: str) -> None:
    raise ValueError(str(message)[:200])

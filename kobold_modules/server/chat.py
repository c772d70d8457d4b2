"""A conversation as the text that the model's own chat template makes of it.

A model without a template, as those are that write prose, gets a plain transcript, which such a model goes on with as
it would with any page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from ..generation.chat_template import ChatMessage, ChatTemplate
from .body import whole
from .problem import Problem


MOST_MESSAGES = 2000
SPEAKERS = {"user": "User", "assistant": "Assistant"}


def stops_of(template: ChatTemplate | None) -> tuple[str, ...]:
    """Return what ends an answer beside the model's own end of text."""
    return (f"\n{SPEAKERS['user']}:",) if template is None else ()


def render(template: ChatTemplate | None, messages: Sequence[ChatMessage]) -> str:
    """Return the text behind which the answer is written. Raises Problem where the template refuses."""
    if template is None:
        return _transcript(messages)
    try:
        return template.render(messages)
    except ValueError as error:
        raise Problem(400, f"This conversation does not suit the model: {error}.", field="messages") from error


def messages_of(value: Any) -> list[ChatMessage]:
    """Return the messages of a chat request. Raises Problem for anything that is none."""
    if not isinstance(value, list) or not value:
        raise Problem(400, "messages should be a list of at least one message.", field="messages")
    if len(value) > MOST_MESSAGES:
        raise Problem(400, f"{len(value)} messages are too many; {MOST_MESSAGES} are the most.", field="messages")
    return [_message(item) for item in value]


def _message(item: Any) -> ChatMessage:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise Problem(400, "Each message should be an object with a role and a content.", field="messages")
    role, content = item["role"], item.get("content")
    if isinstance(content, list):
        parts = []
        for part in content:
            if not isinstance(part, dict) or not isinstance(part.get("text"), str):
                raise Problem(400, "This server reads text only; a message has a part that is none.", field="messages")
            parts.append(part["text"])
        content = "\n".join(parts)
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise Problem(400, "The content of a message should be text.", field="messages")
    role = {"developer": "system", "tool": "user"}.get(role, role)
    if role not in ("system", "user", "assistant"):
        raise Problem(400, "A message is of system, user or assistant.", field="messages")
    return ChatMessage(cast(Literal["system", "user", "assistant"], role), whole(content))


def _transcript(messages: Sequence[ChatMessage]) -> str:
    parts = []
    for message in messages:
        speaker = SPEAKERS.get(message.role)
        parts.append(f"{speaker}: {message.content.strip()}" if speaker else message.content.strip())
    last = messages[-1].role == "assistant"  # an answer that is to be gone on with
    return "\n".join(part for part in parts if part) + ("" if last else f"\n{SPEAKERS['assistant']}:")

"""One message of a chat, in the words of each program that writes chats.

::

    {"name": "Mara", "is_user": false, "is_system": false, "mes": "...", "swipes": [...]}      SillyTavern, TavernAI
    {"handle": "Mara", "characterId": "...", "msg": "..."}                                     Agnai
    {"role": "user", "content": "..."}  or a list of {"type": "text", "text": "..."}           OpenAI and its kin
    {"from": "human", "value": "..."}                                                          ShareGPT
    {"sender": "human", "text": "..."}                                                         Claude's export
    {"src": {"name": "Mara", "is_human": false}, "text": "..."}                                CAI Tools
    {"role": "char", "data": "..."}                                                            RisuAI
    {"author": {"name": "mara", "nickname": "Mara"}, "content": "..."}                         DiscordChatExporter
    {"author": {"role": "user"}, "content": {"parts": ["..."]}}                                ChatGPT's export
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..lorebook.values import Object, flag, members, text
from .script import MODEL, YOU, name_of


USERS = frozenset({"user", "human", "prompter"})
MODELS = frozenset({"assistant", "gpt", "bot", "model", "char", "chatgpt", "ai"})
HIDDEN = frozenset({"system", "tool", "function", "developer", "ipython"})


class Message(NamedTuple):
    """A message. ``hidden`` ones are the program's own or were hidden by the writer; ``others`` were not chosen."""

    speaker: str
    text: str
    by_user: bool = False
    hidden: bool = False
    others: tuple[str, ...] = ()


def message_of(data: Any) -> Message | None:
    """Return the message in decoded JSON, or None where this is none."""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("mes"), str):
        return _tavern(data)
    if isinstance(data.get("msg"), str) and any(key in data for key in ("handle", "characterId", "userId")):
        return Message(name_of(data.get("handle")), data["msg"], bool(data.get("userId")), flag(data, "system"))
    if isinstance(source := data.get("src"), dict) and isinstance(data.get("text"), str):
        return Message(name_of(source.get("name")), data["text"], flag(source, "is_human"))
    if isinstance(author := data.get("author"), dict):
        return _authored(data, author)
    for role, content in (("role", "content"), ("from", "value"), ("sender", "text"), ("role", "data")):
        if isinstance(data.get(role), str) and isinstance(data.get(content), str | list):
            return _by_role(data[role], _parts(data[content]), name_of(data.get("name")))
    return None


def _tavern(data: Object) -> Message:
    extra = members(data.get("extra"))
    said = data["mes"]
    swipes = data.get("swipes")
    others = [swipe for swipe in swipes if isinstance(swipe, str) and swipe != said] if isinstance(swipes, list) else []
    hidden = flag(data, "is_system") or text(extra, "type") == "comment" or bool(extra.get("tool_invocations"))
    return Message(name_of(data.get("name")), said, flag(data, "is_user"), hidden, tuple(others))


def _authored(data: Object, author: Object) -> Message | None:
    content = data.get("content")
    if isinstance(role := author.get("role"), str) and isinstance(content, dict):
        shown = text(content, "content_type") in ("", "text", "multimodal_text")
        message = _by_role(role, _parts(content.get("parts")), "")
        return message if shown else message._replace(hidden=True)
    if not isinstance(content, str):
        return None
    name = name_of(author.get("nickname")) or name_of(author.get("name"))
    kind = data.get("type")
    return Message(name, content, hidden=isinstance(kind, str) and kind not in ("Default", "Reply"))


def _by_role(role: str, said: str, name: str) -> Message:
    kind = role.strip().lower()
    own = kind in USERS
    hand = YOU if own else MODEL if kind in MODELS else name_of(role)
    return Message(name or hand, said, own, kind in HIDDEN)


def _parts(content: Any) -> str:
    """Return the text of a message that comes in parts; pictures and calls of tools are none."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part if isinstance(part, str) else text(members(part), "text") for part in parts]
    return "\n\n".join(filter(None, texts))

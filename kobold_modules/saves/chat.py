"""Chats: a file of messages as a script, whichever program wrote it.

SillyTavern's is JSON a line: a header that names both sides (none in old group chats), then a message a line. Others
are one JSON document with a list of messages, or with a list of conversations. What a program or a writer hid, versions
of a message that were not chosen, the model's reasoning, folded sections, code, pictures and notes out of character are
no story.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import BadText
from ..lorebook.values import Object, decoded, members, text
from .asides import without_asides
from .messages import Message, message_of
from .script import MODEL, YOU, Aside, Script, Turn, name_of


MOST_MESSAGES = 1_000_000
MOST_CONVERSATIONS = 50_000
LOOKED_AT = 5  # lines and items by which a chat is recognised
_HEADER = ("user_name", "character_name", "chat_metadata")
_LISTS = ("messages", "conversations", "chat_messages")
_PAIRS = (("internal", "visible"), ("data", "data_visible"))  # of textgen: as written, and as shown on a web page
_FIRST = "<|BEGIN-VISIBLE-CHAT|>"


def is_chat(data: Any) -> bool:
    """Return whether decoded JSON is a chat, or a list of them."""
    return next(_conversations(data), None) is not None


def is_chat_by_lines(data: bytes) -> bool:
    """Return whether the first lines are JSON, and messages, headers of a chat or whole chats."""
    found = 0
    for number, line in enumerate(_lines(data)):
        if number >= LOOKED_AT:
            break
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            return False
        found += _is_header(value) or message_of(value) is not None or is_chat(value)
    return found > 0


def chat_script(data: Any, name: str) -> Script:
    """Return what is said in decoded JSON. Raises BadText where that is nothing."""
    return _script(list(_conversations(data)), name, ())


def chat_script_by_lines(data: bytes, name: str) -> Script:
    """Return what is said in a file of JSON lines. Raises BadText where that is nothing."""
    header: Object = {}
    messages: list[Message] = []
    conversations: list[tuple[Object, list[Message]]] = []
    damaged = 0
    for line in _lines(data):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            damaged += 1
            continue
        if (message := message_of(value)) is not None:
            messages.append(message)
        elif isinstance(value, dict) and _is_header(value):
            if messages:
                conversations.append((header, messages))
            header, messages = value, []
        else:
            conversations += _conversations(value)
        if len(messages) > MOST_MESSAGES or len(conversations) > MOST_CONVERSATIONS:
            raise BadText(f"{name} has more messages than any chat.", "Give a part of it.")
    if messages:
        conversations.append((header, messages))
    lines = "line is" if damaged == 1 else "lines are"
    problems = (f"{damaged:,} {lines} damaged or cut short and not read.",) if damaged else ()
    return _script(conversations, name, problems)


def _lines(data: bytes) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield from (line for line in decoded(data).split("\n") if line.strip())
        return
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        if line := decoded(data[at:end]).strip():
            yield line
        at = end + 1


def _is_header(value: Object) -> bool:
    return "mes" not in value and any(key in value for key in _HEADER)


def _conversations(data: Any) -> Iterator[tuple[Object, list[Message]]]:
    """Yield the chats in decoded JSON, each with what names its sides."""
    if isinstance(data, list):
        if messages := _messages(data):
            yield {}, messages
            return
        for item in data[:MOST_CONVERSATIONS]:
            if isinstance(item, dict):
                yield from _of_document(item)
    elif isinstance(data, dict):
        yield from _of_document(data)


def _of_document(data: Object) -> Iterator[tuple[Object, list[Message]]]:
    if isinstance(data.get("mes"), str) and (message := message_of(data)) is not None:
        yield {}, [message]  # a chat of one line
        return
    for key in _LISTS:
        if messages := _messages(data.get(key)):
            yield data, messages
            return
    for written, shown in _PAIRS:
        if shown in data and (messages := _paired(data.get(written)) or _paired(data[shown])):
            yield data, messages
            return
    if isinstance(tree := data.get("mapping"), dict):
        if messages := _branch(tree, data.get("current_node")):
            yield data, messages
    elif text(data, "type") == "risuChat" and (messages := _messages(members(data.get("data")).get("message"))):
        yield data, messages
    else:
        several = members(data.get("histories")).get("histories")
        for history in several[:MOST_CONVERSATIONS] if isinstance(several, list) else ():
            if messages := _messages(members(history).get("msgs")):
                yield data, messages


def _messages(value: Any) -> list[Message]:
    """Return the messages in a list; none where it holds other things."""
    if not isinstance(value, list) or not any(message_of(item) is not None for item in value[:LOOKED_AT]):
        return []
    found = (message_of(item) for item in value[:MOST_MESSAGES])
    return [message for message in found if message is not None]


def _paired(value: Any) -> list[Message]:
    """Return textgen's messages, which come in pairs of the writer's and the model's."""
    pairs = value if isinstance(value, list) else []
    if not pairs or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs[:LOOKED_AT]):
        return []
    found: list[Message] = []
    for pair in pairs[:MOST_MESSAGES]:
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(said, str) for said in pair):
            own, other = pair
            found += [Message(YOU, own, True)] if own and own != _FIRST else []
            found += [Message(MODEL, other)] if other else []
    return found


def _branch(tree: Object, last: Any) -> list[Message]:
    """Return the messages of a ChatGPT export on the way to the one that was seen last."""
    if not isinstance(last, str) or last not in tree:
        last = next(reversed(list(tree)), None)
    found: list[Message] = []
    seen: set[str] = set()
    while isinstance(last, str) and last not in seen and isinstance(node := tree.get(last), dict):
        seen.add(last)
        if (message := message_of(node.get("message"))) is not None:
            found.append(message)
        last = node.get("parent")
    return found[::-1]


def _script(conversations: Sequence[tuple[Object, list[Message]]], name: str, problems: tuple[str, ...]) -> Script:
    turns: list[Turn] = []
    asides: list[Aside] = []
    for header, messages in conversations:
        begins = True
        own, other = _sides(header, messages)
        for message in messages:
            asides += [Aside("versions not chosen", said) for said in message.others]
            if message.hidden:
                asides.append(Aside("hidden and system messages", message.text))
                continue
            said, left = without_asides(message.text)
            asides += left
            speaker = message.speaker or (own if message.by_user else other)
            said = _named(said, own, other if message.by_user else speaker)
            if said.strip():
                turns.append(Turn(speaker, said, message.by_user, begins))
                begins = False
    if not turns:
        raise BadText(f"{name} is a chat, and nothing is said in it.", "Save it again with some messages in it.")
    title = next((name_of(header.get("title") or header.get("name")) for header, _ in conversations), "")
    return Script(tuple(turns), tuple(asides), True, title, problems)


def _sides(header: Object, messages: Sequence[Message]) -> tuple[str, str]:
    """Return what the writer and the other side are called."""
    found = [name_of(header.get(key)) for key in ("user_name", "character_name")]
    own, other = ("" if name == "unused" else name for name in found)  # what group chats say
    own = own or next((message.speaker for message in messages if message.by_user and message.speaker), YOU)
    other = other or next((message.speaker for message in messages if not message.by_user and message.speaker), MODEL)
    return own, other


def _named(said: str, own: str, other: str) -> str:
    """Return ``said`` with the names that ``{{user}}`` and ``{{char}}`` stand for."""
    if "{{" not in said:
        return said
    said = re.sub(r"\{\{user\}\}", lambda _: own, said, flags=re.I)
    return re.sub(r"\{\{char\}\}", lambda _: other, said, flags=re.I)

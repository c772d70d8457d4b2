"""Chats of SillyTavern and others: what the speakers say is the text, without their names in front."""

from __future__ import annotations

from ...saves.chat import chat_script, chat_script_by_lines, is_chat, is_chat_by_lines
from .source import Source
from .structure import Structured
from .turns import document_of


TITLE = "chat"


def sniff(source: Source) -> bool:
    """Return whether this is a chat: one JSON document, or JSON a line."""
    if source.head[:1] not in (b"{", b"["):
        return False
    return is_chat_by_lines(source.data) if source.json is None else is_chat(source.json)


def read(source: Source) -> Structured:
    """Read a chat.

    Raises:
        BadText: if nothing is said in it, or nothing by the speakers that are asked for.
    """
    if source.json is None:
        return document_of(chat_script_by_lines(source.data, source.name), source)
    return document_of(chat_script(source.json, source.name), source)

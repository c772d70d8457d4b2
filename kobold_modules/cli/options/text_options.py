"""What the options about a writer's texts say, in every verb that reads them."""

from __future__ import annotations

from ...corpus.cleaning.names import KEEPABLE


TEXTS_HELP = (
    "texts, books and manuscripts, or folders: .txt .md .docx .odt .epub .html .rtf .fb2 .pdf, Scrivener, "
    "saved stories (KoboldAI, NovelAI), chats (SillyTavern)"
)
KEEP_HELP = f"leave one of cleaning's rules out (again or with commas for more): {', '.join(KEEPABLE)}"
SPEAKER_HELP = "train on this speaker's lines of a chat only (again for more); you and model are its two sides"

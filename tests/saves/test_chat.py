"""T45: chats of every program whose form is documented: who says what, and what in them is no story."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kobold_modules.errors import BadText
from kobold_modules.saves.chat import chat_script, chat_script_by_lines, is_chat, is_chat_by_lines
from kobold_modules.saves.script import MODEL, YOU, Script


def lines(*values: Any) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def said(script: Script) -> list[tuple[str, str, bool]]:
    return [(turn.speaker, turn.text.strip(), turn.by_user) for turn in script.turns]


def asides(script: Script) -> dict[str, str]:
    return {aside.what: aside.text for aside in script.asides}


HEADER = {"user_name": "Tom", "character_name": "Mara", "create_date": "2026-11-01", "chat_metadata": {}}


def tavern(name: str, mes: str, **members: Any) -> dict[str, Any]:
    """Return a message as SillyTavern saves it."""
    return {"name": name, "is_user": name == "Tom", "is_system": False, "send_date": "", "mes": mes, **members}


TALK = [("Mara", "The boat is late.", False), ("Tom", "It always is.", True)]
SIDES = [(MODEL, "The boat is late.", False), (YOU, "It always is.", True)]
DOCUMENTS: dict[str, tuple[Any, list[tuple[str, str, bool]]]] = {
    "Agnai": (
        {
            "name": "Exported",
            "messages": [
                {"_id": "1", "handle": "Mara", "characterId": "c", "msg": "The boat is late."},
                {"_id": "2", "handle": "Tom", "userId": "u", "msg": "It always is."},
            ],
        },
        TALK,
    ),
    "OpenAI": (
        {
            "messages": [
                {"role": "system", "content": "You are Mara."},
                {"role": "assistant", "content": "The boat is late."},
                {"role": "user", "content": [{"type": "text", "text": "It always is."}, {"type": "image_url"}]},
            ]
        },
        SIDES,
    ),
    "a bare list": (
        [{"role": "assistant", "content": "The boat is late."}, {"role": "user", "content": "It always is."}],
        SIDES,
    ),
    "ShareGPT": (
        {"conversations": [{"from": "gpt", "value": "The boat is late."}, {"from": "human", "value": "It always is."}]},
        SIDES,
    ),
    "Claude": (
        [
            {
                "uuid": "1",
                "name": "Harbour",
                "chat_messages": [
                    {"sender": "assistant", "text": "The boat is late."},
                    {"sender": "human", "text": "It always is."},
                ],
            }
        ],
        SIDES,
    ),
    "CAI Tools": (
        {
            "histories": {
                "histories": [
                    {
                        "msgs": [
                            {"src": {"name": "Mara", "is_human": False}, "text": "The boat is late."},
                            {"src": {"name": "Tom", "is_human": True}, "text": "It always is."},
                        ]
                    }
                ]
            }
        },
        TALK,
    ),
    "RisuAI": (
        {
            "type": "risuChat",
            "ver": 1,
            "data": {
                "message": [{"role": "char", "data": "The boat is late."}, {"role": "user", "data": "It always is."}]
            },
        },
        SIDES,
    ),
    "DiscordChatExporter": (
        {
            "guild": {"name": "Harbour"},
            "messages": [
                {"type": "GuildMemberJoin", "content": "Joined.", "author": {"name": "tom"}},
                {"type": "Default", "content": "The boat is late.", "author": {"name": "mara1", "nickname": "Mara"}},
                {"type": "Reply", "content": "It always is.", "author": {"name": "Tom", "nickname": ""}},
            ],
        },
        [("Mara", "The boat is late.", False), ("Tom", "It always is.", False)],
    ),
    "ChatGPT": (
        [
            {
                "title": "Harbour",
                "current_node": "c",
                "mapping": {
                    "a": {"message": None, "parent": None},
                    "b": {
                        "message": {
                            "author": {"role": "assistant"},
                            "content": {"content_type": "text", "parts": ["The boat is late."]},
                        },
                        "parent": "a",
                    },
                    "x": {
                        "message": {"author": {"role": "user"}, "content": {"parts": ["A branch that was left."]}},
                        "parent": "b",
                    },
                    "c": {
                        "message": {"author": {"role": "user"}, "content": {"parts": ["It always is."]}},
                        "parent": "b",
                    },
                },
            }
        ],
        SIDES,
    ),
    "textgen": (
        {
            "internal": [["<|BEGIN-VISIBLE-CHAT|>", "The boat is late."], ["It always is.", ""]],
            "visible": [["", "The boat is late."], ["It always is.", ""]],
        },
        SIDES,
    ),
}


@pytest.mark.parametrize("program", DOCUMENTS)
def test_who_says_what(program: str) -> None:
    document, right = DOCUMENTS[program]
    assert is_chat(document)
    assert said(chat_script(document, "a.json")) == right


def test_a_chat_of_sillytavern() -> None:
    script = chat_script_by_lines(
        lines(
            HEADER,
            tavern("Mara", "The boat is late.", swipes=["The boat is gone.", "The boat is late."], swipe_id=1),
            tavern("Mara", "Tom left the channel.", is_system=True),
            tavern("Mara", "A remark of the writer.", extra={"type": "comment"}),
            tavern("Tom", "It always is."),
        ),
        "chat.jsonl",
    )
    assert said(script) == TALK
    assert script.chat
    assert [(aside.what, aside.text) for aside in script.asides] == [
        ("versions not chosen", "The boat is gone."),
        ("hidden and system messages", "Tom left the channel."),
        ("hidden and system messages", "A remark of the writer."),
    ]


def test_a_group_chat_without_a_header() -> None:
    data = lines(tavern("Mara", "Late."), tavern("Ilse", "Very late."), tavern("Tom", "Always."))
    assert is_chat_by_lines(data)
    assert chat_script_by_lines(data, "g.jsonl").names == ("Mara", "Ilse", "Tom")


def test_names_stand_where_the_chat_has_signs_for_them() -> None:
    data = lines(HEADER, tavern("Mara", "{{user}}, said {{Char}}."), tavern("Tom", "Yes, {{char}}?"))
    assert [turn.text for turn in chat_script_by_lines(data, "c.jsonl").turns] == ["Tom, said Mara.", "Yes, Mara?"]


@pytest.mark.parametrize(
    ("text", "what", "left"),
    [
        ("<think>She lies.\nOften.</think>\nNo.", "reasoning", "No."),
        ("No.\n<think>It was cut", "reasoning", "No."),
        ("<details><summary>State</summary>\nHealth: 5</details>\nNo.", "folded sections", "No."),
        ("No.\n```json\n{}\n```", "code blocks", "No."),
        ("![a boat](https://example.org/a.png) No.", "pictures", "No."),
        ("[Mara sends a picture that contains: a boat, night].", "pictures", ""),
        ("No. (OOC: shorter, please)", "notes out of character", "No."),
        ("No.\n[[OOC shorter]]", "notes out of character", "No."),
        ("OOC: shorter\nNo.", "notes out of character", "No."),
    ],
)
def test_what_in_a_message_is_no_story(text: str, what: str, left: str) -> None:
    script = chat_script_by_lines(lines(HEADER, tavern("Mara", "Yes."), tavern("Mara", text)), "c.jsonl")
    assert "".join(turn.text.strip() for turn in script.turns[1:]) == left
    assert what in asides(script)


def test_brackets_in_prose_stay() -> None:
    script = chat_script_by_lines(lines(HEADER, tavern("Mara", "She (the boat) [sic] was late.")), "c.jsonl")
    assert script.turns[0].text == "She (the boat) [sic] was late."


def test_lines_that_are_damaged_are_counted() -> None:
    data = lines(HEADER, tavern("Mara", "Late.")) + b'{"name": "Tom", "mes": "It al'
    script = chat_script_by_lines(data, "c.jsonl")
    assert said(script) == [("Mara", "Late.", False)]
    assert script.problems == ("1 line is damaged or cut short and not read.",)


def test_a_chat_in_which_nothing_is_said_is_one_sentence() -> None:
    with pytest.raises(BadText, match="nothing is said in it"):
        chat_script_by_lines(lines(HEADER, tavern("Mara", "", is_system=True)), "c.jsonl")


@pytest.mark.parametrize(
    "data",
    [
        {"text": "a"},
        [{"keys": "a", "value": "b", "type": "character"}],
        {"entries": {"0": {"key": ["a"], "content": "b"}}},
        {"data": [["a", "b"]]},
        {"messages": [1, 2]},
        5,
    ],
    ids=str,
)
def test_other_data_is_no_chat(data: Any) -> None:
    assert not is_chat(data)
    assert not is_chat_by_lines(lines(data, data))


odd: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.builds(dict) | st.builds(list)
)


@pytest.mark.parametrize("program", DOCUMENTS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_values_of_odd_types_are_a_chat_or_a_sentence(program: str, data: st.DataObject) -> None:
    document = deepcopy(DOCUMENTS[program][0])
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while isinstance(place, dict | list) and place:
            key = data.draw(st.sampled_from([*place] if isinstance(place, dict) else [*range(len(place))]))
            if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
                place[key] = data.draw(odd)
                break
            place = place[key]
    for value in (document, data.draw(odd)):
        with suppress(BadText):
            if is_chat(value):
                assert all(isinstance(turn.text, str) for turn in chat_script(value, "a.json").turns)
            if is_chat_by_lines(lines(value)):
                chat_script_by_lines(lines(value), "a.jsonl")

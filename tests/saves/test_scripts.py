"""Saved stories by the hands that wrote them: Lite's four modes, NovelAI's pieces, our own marks."""

from __future__ import annotations

from typing import Any

from kobold_modules.saves import lite, novelai
from kobold_modules.saves.lite_script import lite_script
from kobold_modules.saves.novelai_script import novelai_script
from kobold_modules.saves.own_script import is_own, own_script
from kobold_modules.saves.script import MODEL, YOU, Script, by_paragraph
from kobold_modules.stories.story import Story


def save(prompt: str, *actions: str, **settings: Any) -> Script:
    data = {"gamestarted": True, "prompt": prompt, "actions": [*actions], "savedsettings": settings}
    return lite_script(lite.read(data, "save.json"))


def said(script: Script) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text.strip()) for turn in script.turns]


def test_a_story_is_one_text_and_nobody_is_named() -> None:
    script = save("The lift stopped.", " Nobody spoke.", opmode=1)
    assert [(turn.speaker, turn.text) for turn in script.turns] == [("", "The lift stopped. Nobody spoke.")]
    assert not script.chat


def test_in_an_adventure_the_player_is_known_by_a_sign_that_is_no_word() -> None:
    script = save("A pier.", "\n\n> You wave.\n", "The boat turns.", opmode=2)
    assert said(script) == [(YOU, "A pier."), (YOU, "You wave."), (MODEL, "The boat turns.")]
    assert said(save("A pier.", "\n\n> You wave.\n", "The boat turns.")) == said(script)  # KoboldAI's first interface


def test_a_chat_is_divided_by_the_names_of_its_sides() -> None:
    script = save(
        "Night.\nTom: Late?",
        "\nMara: Very: an hour.\nIlse: Two.",
        opmode=3,
        chatname="Tom",
        chatopponent="Mara||$||Ilse",
    )
    assert said(script) == [("", "Night."), ("Tom", "Late?"), ("Mara", "Very: an hour."), ("Ilse", "Two.")]
    assert [turn.by_user for turn in script.turns] == [False, True, False, False]
    assert script.chat


def test_marks_of_instruct_mode_are_no_text_and_the_system_is_left_out() -> None:
    script = save(
        "\n{{[SYSTEM]}}\nBe Mara.\n{{[SYSTEM_END]}}\n\n{{[INPUT]}}\nTom: Late?\n{{[INPUT_END]}}\n",
        "\n{{[OUTPUT]}}\nVery.",
        opmode=4,
        chatname="Tom",
        chatopponent="Mara",
    )
    assert said(script) == [("Tom", "Late?"), (MODEL, "Very.")]
    assert [aside.text.strip() for aside in script.asides if "system" in aside.what] == ["Be Mara."]


def test_reasoning_in_a_save_is_no_story() -> None:
    script = save("\n{{[INPUT]}}\nLate?", "\n{{[OUTPUT]}}\n<think>She lies.</think>Very.", opmode=4)
    assert said(script) == [(YOU, "Late?"), (MODEL, "Very.")]
    assert [aside for aside in script.asides if aside.text] == [("reasoning", "<think>She lies.</think>")]
    assert said(save("A pier.", "<think>Hm.</think> Night.")) == [("", "A pier. Night.")]


def test_a_models_own_marks_count_where_the_save_names_them() -> None:
    script = save(
        "### Instruction:\nWrite.\n### Response:\n",
        "The boat came.",
        opmode=4,
        instruct_starttag="\\n### Instruction:\\n",
        instruct_endtag="\\n### Response:\\n",
    )
    assert said(script) == [(YOU, "Write."), (MODEL, "The boat came.")]


def test_pictures_are_no_text() -> None:
    assert save("A pier.[<|p|12|p|>]", "[<|h|abc|h|>] Night.").turns[0].text == "A pier. Night."


def test_memory_note_and_world_info_are_no_story() -> None:
    data = {
        "prompt": "A pier.",
        "actions": [],
        "memory": "Tom is tall.",
        "authorsnote": "Dry.",
        "worldinfo": [{"key": "Tom", "content": "A ferryman."}, 5],
    }
    script = lite_script(lite.read(data, "save.json"))
    assert [tuple(aside) for aside in script.asides] == [
        ("memory", "Tom is tall."),
        ("author's note", "Dry."),
        ("world info", "A ferryman."),
    ]


def test_pieces_of_novelais_first_editor_say_who_wrote_them() -> None:
    fragments = [{"data": "The tide", "origin": "prompt"}, {"data": " turned.", "origin": "ai"}, {"data": 5}]
    data = {"storyContainerVersion": 1, "content": {"story": {"fragments": fragments}}}
    assert said(novelai_script(novelai.read(data, "a.story"))) == [(YOU, "The tide"), (MODEL, "turned.")]


def test_our_own_story_says_who_wrote_what() -> None:
    story = Story("Pier", "The tide turned.\n", memory="Tom is tall.")
    story.append_take("Nobody came.", "noir", 7)
    data = story.to_dict()
    assert is_own(data)
    script = own_script(data)
    assert said(script) == [(YOU, "The tide turned."), (MODEL, "Nobody came.")]
    assert script.title == "Pier"
    assert script.asides[0] == ("memory", "Tom is tall.")
    assert said(own_script(data | {"spans": [{"length": 3}]})) == [("", "The tide turned.\nNobody came.")]


def test_a_paragraph_is_whose_hand_wrote_most_of_it() -> None:
    story = Story("", "The tide turned, and with it the boat.\n")
    story.append_take("Nobody saw.", "noir")
    story.edit(story.text + " So they said, all of them.\nThe end.")
    paragraphs = by_paragraph(own_script(story.to_dict()).turns)
    assert [turn.speaker for turn in paragraphs] == [YOU, YOU, YOU]
    assert paragraphs[1].text == "Nobody saw. So they said, all of them."

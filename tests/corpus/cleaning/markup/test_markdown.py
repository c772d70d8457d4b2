import pytest

from kobold_modules.corpus.cleaning.clean import clean


def plain(text: str) -> str:
    return clean(text, markdown=True)[0]


P = "It was the first day of the fair, and nobody had thought to bring the horses, or the rope, or the priest."


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        (f"---\ntitle: The Fair\ntags: [a, b]\ndate: 2020-01-01\n---\n\n{P}", P),
        (f"+++\ntitle = 'The Fair'\n+++\n{P}", P),
        (f"# The Fair\n\n{P}\n\n## The Horses\n\n{P}", f"{P}\n\n* * *\n\n{P}"),
        (f"The Fair\n========\n\n{P}\n\nThe Horses\n---\n\n{P}", f"{P}\n\n* * *\n\n{P}"),
        ("He was **very** *very* ***very*** __very__ _very_ late.", "He was very very very very very late."),
        ("un*frigging*believable, ~~gone~~ ==marked== `code`", "unfriggingbelievable, gone marked code"),
        ("See [the inn](http://x.y/z_(a) 'T') and [that][1].\n\n[1]: http://x.y", "See the inn and that."),
        ("A ![boat](boat.png) came.", "A came."),
        ("The [[Old Inn|inn]] and [[Marta]]. ![[map.png]]", "The inn and Marta."),
        (f"{P}[^1]\n\n[^1]: A note.\n    More of it.\n\n{P}", f"{P}\n\n{P}"),
        ("One. <!-- a\ncomment --> Two. %%hidden%%", "One. Two."),
        ("Once <span class='x'>upon</span> a time", "Once upon a time"),
        (f"{P}\n\n```python\nprint('x')\n```\n\n{P}", f"{P}\n\n{P}"),
        ("> A quoted\n> > letter.", "A quoted\nletter."),
        ("* a rope\n+ a lamp\n- [ ] bread", "- a rope\n- a lamp"),  # T38: a task is no prose
        (f"{P}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n{P}", f"{P}\n\n{P}"),
        (r"A \*star\* and 1\. and C\#", "A star and 1. and C#"),
        (f"{P}\n\n<hr>\n\n{P}\n\n\\* \\* \\*\n\n{P}", f"{P}\n\n* * *\n\n{P}\n\n* * *\n\n{P}"),
        ("Tom &amp; Jerry &mdash; both", "Tom & Jerry — both"),
        ("::: note\nHe left.\n:::", "He left."),
    ],
)
def test_signs_go_and_words_stay(marked: str, expected: str) -> None:
    assert plain(marked) == expected


def test_scene_break_at_the_top_is_no_front_matter() -> None:
    assert plain(f"---\n\n{P}\n\n---\n\n{P}") == f"{P}\n\n* * *\n\n{P}"


def test_tildes_are_a_scene_break_and_swallow_nothing() -> None:
    assert plain(f"{P}\n\n~~~\n\n{P}\n\n~~~\n\n{P}") == f"{P}\n\n* * *\n\n{P}\n\n* * *\n\n{P}"


def test_unclosed_fence_and_comment_swallow_nothing() -> None:
    assert P in plain(f"```\n\n{P}")
    assert P in plain(f"<!-- never closed\n\n{P}")


def test_paragraphs_indented_by_four_spaces_are_prose() -> None:
    assert plain(f"    {P}\n\n    {P}") == f"{P}\n\n{P}"


def test_stars_between_scenes_are_no_list() -> None:
    assert plain(f"{P}\n\n* * *\n\n{P}") == f"{P}\n\n* * *\n\n{P}"


def test_rule_under_a_sentence_is_a_scene_break() -> None:
    assert plain(f"He left.\n---\n{P}") == f"He left.\n\n* * *\n\n{P}"


@pytest.mark.parametrize(
    "text", ["<Can you hear me?> she thought.", "I [sic] went.", "It cost $5 | no more.", "- Yes, he said."]
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert plain(text) == text

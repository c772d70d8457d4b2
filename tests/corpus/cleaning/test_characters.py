import pytest

from kobold_modules.corpus.cleaning.characters import (
    composed,
    controls,
    double_spaces,
    garbled,
    invisible,
    ligatures,
    line_ends,
    spaces,
    trailing,
)


def test_line_ends_of_all_systems_become_one() -> None:
    text, change = line_ends("a\r\nb\rc\nd\x85e\u2028f\u2029g\r\r\nh")
    assert text == "a\nb\nc\nd\ne\nf\n\ng\nh"
    assert change.count == 6


def test_form_feed_does_not_open_a_gap() -> None:
    assert line_ends("one\n\ftwo\fthree")[0] == "one\ntwo\nthree"


def test_controls_go_and_line_ends_stay() -> None:
    assert controls("a\x00b\x07c\n\td\x7f")[0] == "abc\n\td"


def test_zero_width_and_soft_hyphens_go() -> None:
    text, change = invisible("so\u00adme\u200bthing \ufeffhere\u200e")
    assert (text, change.count) == ("something here", 4)


def test_soft_hyphen_at_line_end_is_a_cut_word() -> None:
    assert invisible("some\u00ad\nthing")[0] == "some-\nthing"


def test_joiners_stay_where_letters_need_them() -> None:
    family, persian = "👩\u200d👧", "می\u200cخواهم"
    assert invisible(f"{family} {persian} a\u200cb")[0] == f"{family} {persian} ab"


def test_leading_tab_is_an_indent_and_inner_tab_a_space() -> None:
    assert spaces("\tOnce\tupon\u00a0a")[0] == "    Once  upon a"


def test_trailing_and_double_spaces() -> None:
    assert trailing("a  \nb \nc")[0] == "a\nb\nc"
    assert double_spaces("  One.  Two.")[0] == "  One. Two."


def test_ligatures_are_spelled_out() -> None:
    assert ligatures("the oﬃce ﬂoor, the ﬁg")[0] == "the office floor, the fig"


def test_loose_accents_are_joined() -> None:
    text, change = composed("cafe\u0301")
    assert (text, change.count) == ("café", 1)


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        ("donâ€™t", "don’t"),
        ("â€œYesâ€\x9d", "“Yes”"),
        ("cafÃ©", "café"),
        ("waitâ€¦", "wait…"),
        ("yesâ€”no", "yes—no"),
        ("10Â°", "10°"),
    ],
)
def test_garbled_characters_are_repaired(broken: str, meant: str) -> None:
    assert garbled(broken + " Ã©")[0] == meant + " é"


def test_real_accents_are_not_garbled() -> None:
    for text in ("Château, âge, Ângela", "SÃO PAULO", "â l'âme"):
        assert garbled(text)[0] == text

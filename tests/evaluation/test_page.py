"""The page: one file, no script, everything escaped, floors and ceilings on the same axis."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import msgspec

from kobold_modules.evaluation.page import page
from kobold_modules.evaluation.plot import Dot, dots
from kobold_modules.evidence import Estimate
from tests.evaluation import made_up


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_stands_alone_and_is_well_formed() -> None:
    text = page([made_up.everything(), made_up.evaluated(style=made_up.style())])
    tags = Tags()
    tags.feed(text)

    assert tags.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(tags.tags)
    assert not any(name.startswith("on") or name in ("href", "src") for name, _ in tags.attributes)
    assert tags.tags.count("h1") == 2


def test_whatever_strangers_wrote_is_escaped() -> None:
    name = '<script>alert("x")</script>\x1b[2J'
    text = page([msgspec.structs.replace(made_up.everything(), module=name, headline=name, advice=(name,))])

    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;b&gt;late&lt;/b&gt; &amp; raining" in text


def test_every_number_that_was_found_is_shown() -> None:
    text = page([made_up.everything()])
    for shown in ("4.0 % better (3.0 to 5.0)", "60 % (40 to 80)", "Zorg", "noir → sea", "50 % (40 to 60)", "40"):
        assert shown in text


def test_floor_ceiling_and_module_stand_on_one_axis() -> None:
    lines = [
        Dot("floor", Estimate(1.2), "1.2", edge=True),
        Dot("module", Estimate(0.9, 0.85, 0.95), "0.9", main=True),
        Dot("ceiling", Estimate(0.7), "0.7", edge=True),
    ]
    root = ElementTree.fromstring(dots(lines, "Delta <1>", "nearer & lower"))
    centres = [float(dot.attrib["cx"]) for dot in root.iter() if dot.tag.endswith("circle")]

    assert centres[0] > centres[1] > centres[2]
    dashed = [line for line in root.iter() if "stroke-dasharray" in line.attrib]
    assert [float(line.attrib["x1"]) for line in dashed] == [centres[0], centres[2]]
    assert not re.search(r"nan|inf", ElementTree.tostring(root, "unicode"))


def test_an_axis_of_equal_numbers_is_drawn_too() -> None:
    assert "nan" not in dots([Dot("a", Estimate(0.0), "0"), Dot("b", Estimate(0.0), "0")], "t", "u")

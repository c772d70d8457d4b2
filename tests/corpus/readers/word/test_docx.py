"""Word documents: what a reader of the page sees, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from tests.corpus.readers import books
from tests.corpus.readers.books import docx, left_out, opened, para, run, texts, write, zipped


FERRY = "The ferry did not run on Sundays."
WALK = "They walked along the shore instead."
HEADING = '<w:style w:type="paragraph" w:styleId="{0}"><w:name w:val="{1}"/>{2}</w:style>'


def field(code: str, result: str) -> str:
    """Return a complex field: begin, instruction, separate, result, end."""
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    return mark.format("begin") + run(code, tag="instrText") + mark.format("separate") + result + mark.format("end")


def test_runs_of_a_word_are_joined_and_emphasis_is_dropped() -> None:
    document = opened(docx(para("The fer", run("ry", "<w:i/>"), " did", run(" not run.", "<w:b/>"))))
    assert texts(document) == ["The ferry did not run."]


def test_insertions_stay_and_deletions_go() -> None:
    body = para(
        "She ",
        f"<w:ins w:id='1'>{run('really ')}</w:ins>",
        f"<w:del w:id='2'>{run('never once ', tag='delText')}</w:del>",
        f"<w:moveFrom w:id='3'>{run('gladly ')}</w:moveFrom>",
        f"<w:moveTo w:id='4'>{run('went ')}</w:moveTo>",
        "home.",
    )
    document = opened(docx(body))
    assert texts(document) == ["She really went home."]
    assert left_out(document) == {"deleted text": 3}


def test_a_deleted_paragraph_mark_joins_two_paragraphs() -> None:
    body = para("She went ", properties="<w:rPr><w:del w:id='1'/></w:rPr>") + para("home.") + para(FERRY)
    assert texts(opened(docx(body))) == ["She went home.", FERRY]


def test_a_paragraph_that_was_deleted_whole_leaves_no_gap() -> None:
    gone = para(
        f"<w:del w:id='2'>{run('Old words.', tag='delText')}</w:del>", properties="<w:rPr><w:del w:id='1'/></w:rPr>"
    )
    assert texts(opened(docx(para(FERRY) + gone + para(WALK)))) == [FERRY, WALK]


def test_former_properties_of_a_tracked_change_count_for_nothing() -> None:
    body = para(
        run("Seen.", "<w:rPrChange w:id='1'><w:rPr><w:vanish/></w:rPr></w:rPrChange>"),
        properties="<w:pPrChange w:id='2'><w:pPr><w:pStyle w:val='Heading1'/></w:pPr></w:pPrChange>",
    )
    assert texts(opened(docx(body, styles=HEADING.format("Heading1", "heading 1", "")))) == ["Seen."]


def test_hidden_text_goes_whether_a_run_or_a_style_hides_it() -> None:
    styles = (
        "<w:style w:type='character' w:styleId='Secret'><w:name w:val='Secret'/><w:rPr><w:vanish/></w:rPr></w:style>"
        "<w:style w:type='paragraph' w:styleId='Note'><w:name w:val='Note'/><w:rPr><w:vanish/></w:rPr></w:style>"
    )
    body = (
        para("She went", run(" or not", "<w:vanish/>"), run(" perhaps", "<w:rStyle w:val='Secret'/>"), " home.")
        + para("Fix this later.", properties="<w:pStyle w:val='Note'/>")
        + para(run("Shown.", "<w:vanish w:val='0'/>"), properties="<w:pStyle w:val='Note'/>")
    )
    document = opened(docx(body, styles=styles))
    assert texts(document) == ["She went home.", "Shown."]
    assert left_out(document) == {"hidden text": 6}


def test_notes_comments_headers_and_footers_are_counted_and_left_out() -> None:
    parts = {kind: para(words) for kind, words in [("comments", "Too slow here"), ("footnotes", "See the map")]}
    parts |= {"header": para("A. Writer"), "footer": para("Page one"), "endnotes": para("Fin")}
    body = para("She went", "<w:r><w:footnoteReference w:id='2'/></w:r>", " home.")
    document = opened(docx(body, parts=parts))
    assert texts(document) == ["She went home."]
    assert left_out(document) == {"comments": 3, "footnotes": 3, "headers and footers": 4, "endnotes": 1}


def test_headings_are_told_by_name_by_outline_level_and_by_what_they_are_based_on() -> None:
    styles = (
        HEADING.format("berschrift1", "heading 1", "")
        + HEADING.format("Own", "My chapters", "<w:basedOn w:val='berschrift1'/>")
        + HEADING.format("Level", "Level", "<w:pPr><w:outlineLvl w:val='1'/></w:pPr>")
        + HEADING.format("Titel", "Title", "")
    )
    names = ["Titel", "berschrift1", "Own", "Level"]
    body = "".join(para(f"A {name}", properties=f"<w:pStyle w:val='{name}'/>") + para(FERRY) for name in names)
    body += para("Outlined", properties="<w:outlineLvl w:val='0'/>") + para(WALK)
    document = opened(docx(body, styles=styles))
    assert texts(document)[::2] == ["# A Titel", "# A berschrift1", "# A Own", "# A Level", "# Outlined"]
    assert document.chapters == 5


def test_prose_in_a_headings_style_is_still_prose() -> None:
    long = " ".join([FERRY] * 20)
    body = para(long, properties="<w:pStyle w:val='Heading1'/>")
    assert texts(opened(docx(body, styles=HEADING.format("Heading1", "heading 1", "")))) == [long]


@pytest.mark.parametrize("gallery", [True, False])
def test_a_table_of_contents_goes(gallery: bool) -> None:
    entries = para(field("TOC \\o", run("The Ferry") + "<w:r><w:tab/></w:r>" + field("PAGEREF x", run("3"))))
    if gallery:
        part = "<w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj>"
        entries = f"<w:sdt><w:sdtPr>{part}</w:sdtPr><w:sdtContent>{para('The Ferry 3')}</w:sdtContent></w:sdt>"
    document = opened(docx(entries + para(FERRY)))
    assert texts(document) == [FERRY]
    assert left_out(document) == {"tables of contents": 3}


def test_a_table_of_contents_that_is_never_closed_does_not_swallow_the_book() -> None:
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    begin = para(mark.format("begin"), run("TOC", tag="instrText"), mark.format("separate"), "The Ferry")
    body = begin + para("The Ferry", properties="<w:pStyle w:val='Heading1'/>") + para(FERRY)
    assert texts(opened(docx(body, styles=HEADING.format("Heading1", "heading 1", "")))) == ["# The Ferry", FERRY]


def test_fields_show_their_results_and_not_their_instructions() -> None:
    body = para("See ", field('HYPERLINK "http://x.example"', run("the map")), ", page ", field("PAGE", run("7")), ".")
    body += para("Dear ", f"<w:fldSimple w:instr=' MERGEFIELD x '>{run('Marta')}</w:fldSimple>", ",")
    document = opened(docx(body))
    assert texts(document) == ["See the map, page .", "Dear Marta,"]
    assert left_out(document) == {"page numbers": 1}


def test_smart_tags_controls_and_links_are_seen_through() -> None:
    body = para(
        f"<w:smartTag w:element='place'>{run('London')}</w:smartTag>",
        f"<w:sdt><w:sdtPr><w:alias w:val='x'/></w:sdtPr><w:sdtContent>{run(' was')}</w:sdtContent></w:sdt>",
        f"<w:hyperlink w:anchor='a'>{run(' far')}</w:hyperlink>",
        f"<w:customXml w:element='b'>{run('.')}</w:customXml>",
    )
    body += f"<w:sdt><w:sdtContent>{para(FERRY)}</w:sdtContent></w:sdt>"
    assert texts(opened(docx(body))) == ["London was far.", FERRY]


def test_a_text_box_is_read_once_behind_its_paragraph() -> None:
    box = f"<wps:txbx><w:txbxContent>{para(WALK)}</w:txbxContent></wps:txbx>"
    old = f"<w:pict><v:textbox><w:txbxContent>{para(WALK)}</w:txbxContent></v:textbox></w:pict>"
    alternative = f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>{box}</w:drawing></mc:Choice>"
    alternative += f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent></w:r>"
    assert texts(opened(docx(para("The ferry ", alternative, "did not run.")))) == ["The ferry did not run.", WALK]


def table(*cells: str) -> str:
    return "<w:tbl><w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr></w:tbl>"


def test_tables_that_hold_prose_stay_nested_ones_too_and_data_goes() -> None:
    body = table(para(FERRY), table(para(WALK)) + para()) + table(para("Oars"), para("12"), para("Ropes"), para("3"))
    document = opened(docx(body + para("They slept.")))
    assert texts(document) == [FERRY, WALK, "They slept."]
    assert left_out(document) == {"tables": 4}


def test_lines_tabs_hyphens_and_spaces_come_as_the_page_shows_them() -> None:
    signs = "<w:tab/><w:t>One</w:t><w:br/><w:t>two</w:t><w:cr/><w:t>half</w:t><w:noBreakHyphen/><w:t>done</w:t>"
    soft = "<w:r><w:t>some</w:t><w:softHyphen/><w:t>thing\u00ad else</w:t></w:r>"
    assert texts(opened(docx(para(f"<w:r>{signs}</w:r>") + para(soft)))) == ["One\ntwo\nhalf-done", "something else"]


def test_a_page_break_parts_paragraphs_but_not_a_sentence() -> None:
    page = "<w:r><w:br w:type='page'/></w:r>"
    body = para("He went", page, "home.") + para("He slept.", page, "He woke.") + para(page) + para(FERRY)
    assert texts(opened(docx(body))) == ["He went home.", "He slept.", "He woke.", FERRY]


def test_ruby_keeps_the_words_and_not_their_reading() -> None:
    ruby = f"<w:r><w:ruby><w:rubyPr/><w:rt>{run('hana')}</w:rt><w:rubyBase>{run('flower')}</w:rubyBase></w:ruby></w:r>"
    document = opened(docx(para("A ", ruby, ".")))
    assert texts(document) == ["A flower."]
    assert left_out(document) == {"pronunciation guides": 1}


def test_a_field_that_sets_a_reading_above_a_word_gives_the_word() -> None:
    document = opened(docx(para("A ", field(r"EQ \* jc2 \o\ad(\s\up 9(hana),flower)", ""), ".")))
    assert texts(document) == ["A flower."]
    assert left_out(document) == {"pronunciation guides": 1}


def test_the_end_of_a_section_is_no_empty_line() -> None:
    assert texts(opened(docx(para(FERRY) + para(properties="<w:sectPr/>") + para(WALK)))) == [FERRY, WALK]


def test_a_drop_capital_goes_back_to_its_word() -> None:
    body = para("W", properties="<w:framePr w:dropCap='drop' w:lines='3'/>") + para("e went down.")
    assert texts(opened(docx(body))) == ["We went down."]


def test_scene_breaks_in_every_habit() -> None:
    ornament = "<w:r><w:sym w:font='Wingdings' w:char='F09B'/></w:r>"
    ruled = para(properties="<w:pBdr><w:bottom w:val='single'/></w:pBdr>")
    line = para("<w:r><w:pict><v:rect o:hr='t'/></w:pict></w:r>")
    styled = para("#", properties="<w:pStyle w:val='Break'/>")
    body = (
        para(FERRY)
        + para("* * *")
        + para(WALK)
        + ruled
        + para(FERRY)
        + para(ornament)
        + para(WALK)
        + styled
        + para(FERRY)
        + line
    )
    document = opened(docx(body, styles=HEADING.format("Break", "Scene Break", "")))
    assert texts(document) == [FERRY, "***", WALK, "***", FERRY, "***", WALK, "***", FERRY, "***"]
    assert document.scene_breaks == 5


def test_rare_empty_paragraphs_part_scenes_and_common_ones_only_paragraphs() -> None:
    scenes = docx("".join(para(FERRY) for _ in range(6)) + para() + para(WALK) * 6)
    assert opened(scenes).prose().count("* * *") == 1
    spaced = docx(para().join([para(FERRY)] * 12))
    assert "* * *" not in opened(spaced).prose()
    assert opened(spaced).prose().split("\n\n") == [FERRY] * 12


def test_the_main_part_may_have_any_name_and_the_strict_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "W", "http://purl.oclc.org/ooxml/wordprocessingml/main")
    assert texts(opened(docx(para(FERRY), main="text/doc2.xml"))) == [FERRY]


def test_a_word_document_is_read_whatever_it_is_called(tmp_path: Path, paragraphs: list[str]) -> None:
    data = docx("".join(map(para, paragraphs)), parts={"comments": para("Too slow here")})
    corpus = read([write(tmp_path, "novel.txt", data)])
    assert corpus.documents[0].text.split("\n\n") == paragraphs
    assert corpus.reports[0].encoding == "Word document"
    assert any("Left out: comments (3 words)." in sentence for sentence in corpus.describe())


def test_a_folder_of_word_documents_is_read(tmp_path: Path, paragraphs: list[str]) -> None:
    for number in (1, 2, 10):
        write(tmp_path, f"chapter {number}.docx", docx(para(f"Number {number}. {paragraphs[0]}")))
    assert [document.name for document in read([tmp_path]).documents] == [
        "chapter 1.docx",
        "chapter 2.docx",
        "chapter 10.docx",
    ]


def test_a_zip_of_something_else_is_still_told(tmp_path: Path) -> None:
    from kobold_modules.errors import BadText

    with pytest.raises(BadText, match="looks like a zip archive"):
        read([write(tmp_path, "novel.docx", zipped({"a.bin": b"x"}))])


def picture(name: str) -> str:
    drawing = f'<a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{books.RELATIONS}"'
    return para(f'<w:r><w:drawing>{drawing} r:embed="{name}"/></w:drawing></w:r>')


def test_a_picture_that_comes_back_between_paragraphs_parts_scenes() -> None:
    body = para(FERRY) + (picture("rId7") + para(WALK)) * 3 + picture("rId8") + para(FERRY)
    assert texts(opened(docx(body))) == [FERRY, "***", WALK, "***", WALK, "***", WALK, FERRY]


def test_a_long_book_comes_in_parts_that_make_the_same_text() -> None:
    document = opened(docx((para(FERRY) + para("***") + para(WALK)) * 200))
    parts = list(document.parts(1000))
    assert len(parts) > 10
    assert all(part.endswith("\n\n") for part in parts[:-1])
    assert "".join(parts).strip("\n") == document.prose()

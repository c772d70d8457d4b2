"""The control words of RTF that matter for prose, by what they do (Rich Text Format 1.9.1)."""

from __future__ import annotations

from ..web.tokens import names


SIGNS = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "page": "\f",
    "column": "\f",
    "emdash": "\u2014",
    "endash": "\u2013",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "bullet": "\u2022",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
}
SYMBOLS = {"~": "\u00a0", "_": "-", "-": "", "\\": "\\", "{": "{", "}": "}", "\n": "", "\r": "", "\t": "\t"}
ASIDES = {
    **dict.fromkeys(names("header headerl headerr headerf footer footerl footerr footerf"), "headers and footers"),
    "footnote": "footnotes",
    "annotation": "comments",
}
SILENT = names(
    "fonttbl colortbl stylesheet info pict objdata themedata colorschememapping datastore latentstyles listtable "
    "listoverridetable rsidtbl generator xmlnstbl fldinst bkmkstart bkmkend listtext pntext pntxta pntxtb nonshppict "
    "xe tc tcn rxe template revtbl filetbl sp shprslt atnid atnauthor atnref atndate atnicn atntime atnparent "
    "ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn pgdsctbl private1 background formfield mmathPr wgrffmtfilter "
    "passwordhash protusertbl userprops docvar falt panose fontemb fontfile"
)
CODEPAGES = {  # of a font's character set
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "cp936",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
PICTOGRAMS = 2  # the character set of fonts like Wingdings

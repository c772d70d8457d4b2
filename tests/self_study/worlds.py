"""A small world of our own for the tests of self-study."""

from __future__ import annotations

from kobold_modules.self_study import LoreEntry, Relation


MIRREN = LoreEntry(
    "Mirren of the Salt Gate",
    ("Mirren", "Tollkeeper"),
    "Keeper of the toll at the Salt Gate since 412. She lost two fingers to a swan in Port Alder, and counts to eight. "
    "It is said that she never sleeps. In 430 the river froze and forty barges stood before her house.",
    (Relation("mother of", "Joss Reed"), Relation("hired by", "The Alder Council")),
    "person",
)
JOSS = LoreEntry(
    "Joss Reed",
    ("Joss",),
    "A ferryman who cannot swim. He has crossed the Alder nine hundred times in a boat called Patience.",
    (),
    "person",
)
COUNCIL = LoreEntry(
    "The Alder Council",
    ("Council",),
    "Seven millers who meet in a cellar. They decide nothing before supper.",
    (),
    "faction",
)
PORT = LoreEntry("Port Alder", (), "A harbour town of brick, known for its swans. It has one bridge.", (), "place")
WORLD = (MIRREN, JOSS, COUNCIL, PORT)
GERMAN = LoreEntry(
    "Der Müller",
    (),
    "Der Müller wohnt am Bach und mahlt das Korn der ganzen Gegend. Seine Tochter Elsbeth zählt jeden Abend die Säcke "
    "und schreibt die Zahl mit Kreide an die Tür. Es waren nie mehr als vierzig.",
)

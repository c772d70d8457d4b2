"""The tree of errors and the exit codes of the command line."""

from __future__ import annotations

import pytest

from kobold_modules import errors
from kobold_modules.errors import KoboldModulesError


CODES = {
    "KoboldModulesError": 1,
    "BadUsage": 2,
    "BadInput": 3,
    "BadText": 3,
    "BadModule": 3,
    "NoModel": 3,
    "WrongModel": 4,
    "EngineFailed": 5,
    "OutOfMemory": 6,
    "OutOfDisk": 6,
}


def test_every_error_there_is_has_the_code_of_the_contract() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found = {kind.__name__: kind for kind in kinds if issubclass(kind, KoboldModulesError)}
    assert len(found) == len(kinds)
    assert {name: kind.exit_code for name, kind in found.items()} == CODES


@pytest.mark.parametrize("name", CODES)
def test_an_error_is_a_sentence_and_a_hint(name: str) -> None:
    error = getattr(errors, name)("It broke.", "Mend it.")
    assert (str(error), error.message, error.hint) == ("It broke.", "It broke.", "Mend it.")
    assert getattr(errors, name)("It broke.").hint == ""


def test_the_tree_drawn_in_the_docstring_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for name, code in CODES.items():
        line = next(line for line in drawn.splitlines() if name in line.split())
        assert str(code) in line.split()

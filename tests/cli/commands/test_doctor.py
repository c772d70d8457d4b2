"""``doctor`` tries every native part in a child, and says what works here and how fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kobold_modules.backends.llamacpp import quantise
from kobold_modules.backends.llamacpp.binding import build
from kobold_modules.backends.llamacpp.what_works import PLACE
from kobold_modules.cli.commands import doctor, doctor_checks
from kobold_modules.third_party_logging import QUIET
from tests.faults import LIKE_AMX, faulty


posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def use(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_it_names_the_processor_and_the_instructions_in_use() -> None:
    found = {finding["what"]: finding for finding in doctor._in_child("processor", "processor")}

    assert all(finding["ok"] for finding in found.values())
    assert "cores" in found["processor"]["text"]
    for name in found["llama.cpp uses"]["instructions"]:
        assert f"{name} = 1" in build()
    assert found["torch uses"]["instructions"]


@posix
def test_a_part_that_dies_is_a_finding_and_the_others_are_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """M01: `doctor` said that all is well."""
    from kobold_modules.cli import main

    code = "import os, signal, sys\nif sys.orig_argv[-1] in ('llama', 'weights'): os.kill(os.getpid(), signal.SIGILL)"
    use(monkeypatch, faulty(tmp_path / "site", code))
    exit_code = main(["doctor", "--json"])
    found = {finding["what"]: finding for finding in map(json.loads, capsys.readouterr().out.splitlines())}

    assert exit_code == 5
    assert not found["llama.cpp"]["ok"]
    assert "SIGILL" in found["llama.cpp"]["text"]
    assert found["training"]["ok"]
    assert "SIGILL" in found["weights"]["text"]


@posix
def test_each_kind_of_weights_says_what_works_and_how_fast(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, starter: Path
) -> None:
    kinds = {name: quantise.KINDS[name] for name in ("F32", "Q4_1", "Q4_K")}
    monkeypatch.setattr(quantise, "KINDS", kinds)
    monkeypatch.setenv(PLACE, str(tmp_path / "probes"))
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "old.json").write_text("{}")
    plain = list(doctor_checks.weights())
    use(monkeypatch, faulty(tmp_path / "site", LIKE_AMX))
    like_amx = list(doctor_checks.weights())

    assert [finding["what"] for finding in plain] == list(kinds)
    assert all(finding["ok"] and finding["reason"] == "" for finding in plain)
    assert all(finding["ok"] and finding["reason"] == "SIGILL" for finding in like_amx)
    assert all(finding["tokens_per_second"] > 0 for finding in plain + like_amx)
    assert "fast path for Q4_1 does not work" in like_amx[1]["text"]
    assert not (tmp_path / "probes" / "old.json").exists()  # other models are tried anew
    assert len(list((tmp_path / "probes").iterdir())) == len(kinds)


def test_wrong_numbers_of_a_kind_are_no_success(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, starter: Path) -> None:
    from kobold_modules.backends.llamacpp import what_works
    from kobold_modules.backends.llamacpp.what_works import Report

    monkeypatch.setenv(PLACE, str(tmp_path / "probes"))
    nonsense = Report({2: [-9.0, -9.0], 0: [-9.0, -9.0]}, speed={2: 1.0, 0: 1.0})
    monkeypatch.setattr(what_works, "run_probe", lambda path, rungs, singly: nonsense)
    finding, _ = doctor_checks._tried("F16", starter, [-1.0, -2.0])

    assert not finding["ok"]
    assert "wrong numbers" in finding["text"]


@pytest.mark.slow
def test_all_kinds_of_weights_are_tried(starter: Path) -> None:
    command = [sys.executable, "-m", "kobold_modules", "doctor", "--json"]
    loud = {key: value for key, value in os.environ.items() if key not in QUIET}  # as a person starts it
    ended = subprocess.run(command, env=loud, capture_output=True, text=True, check=False)
    found = {finding["what"]: finding for finding in map(json.loads, ended.stdout.splitlines())}

    assert ended.stderr == ""
    assert set(quantise.KINDS) <= set(found)
    assert ended.returncode == (0 if all(finding["ok"] for finding in found.values()) else 5)

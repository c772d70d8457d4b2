"""The first load of a kind of weights is tried in a child, and what was found out is remembered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp import throwaway
from kobold_modules.backends.llamacpp import what_works as what_works_module
from kobold_modules.backends.llamacpp.features import ALL, LADDER, REFERENCE
from kobold_modules.backends.llamacpp.model import NativeModel
from kobold_modules.backends.llamacpp.weight_kinds import Kind, kind_of
from kobold_modules.backends.llamacpp.what_works import Outcome, Report, climb, near, run_probe, what_works
from kobold_modules.errors import EngineFailed
from tests.backends.quantised import quantised
from tests.faults import LIKE_AMX, faulty


PLAIN = [-1.0, -2.0, -3.0]
KIND = Kind("llama", ("Q4_1 64 64",))
FILE = Path("model.gguf")


@pytest.fixture(autouse=True)
def nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty the memory of what works, on disk and in this process."""
    folder = tmp_path / "probes"
    monkeypatch.setenv(what_works_module.PLACE, str(folder))
    monkeypatch.setattr(what_works_module, "_known", {})
    return folder


class Machine:
    """A probe's answers on some machine: what each rung of the ladder does, and which were asked for."""

    def __init__(self, **does: object) -> None:
        self.does = {int(rung.removeprefix("rung")): what for rung, what in does.items()}
        self.asked: list[int] = []

    def __call__(self, path: Path, rungs: Sequence[int]) -> Report:
        nats: dict[int, Sequence[float]] = {}
        for rung in rungs:
            self.asked.append(rung)
            what = self.does.get(rung, PLAIN)
            if isinstance(what, str):
                return Report(nats, what)
            nats[rung] = what  # type: ignore[assignment]
        return Report(nats)


def test_where_everything_works_two_readings_are_enough() -> None:
    machine = Machine()
    outcome, certain = climb(KIND, FILE, machine)

    assert (outcome.rung, certain, outcome.sentence) == (0, True, "")
    assert outcome.features == ALL
    assert machine.asked == [REFERENCE, 0]


def test_an_illegal_instruction_of_the_fast_path_is_avoided() -> None:
    """M01: Q4_0, Q4_1 and Q8_0 end the process on a CPU with AMX, and work without extra buffers."""
    machine = Machine(rung0="SIGILL")
    outcome, certain = climb(KIND, FILE, machine)

    assert (outcome.rung, certain, machine.asked) == (1, True, [REFERENCE, 0, 1])
    assert not outcome.features.extra_buffers
    assert outcome.features.flash_attention
    assert "fast path for Q4_1 does not work in this build of llama.cpp (SIGILL)" in outcome.sentence
    outcome.refuse()


@pytest.mark.parametrize("how", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "exit code 3", "no answer"])
def test_any_other_death_is_avoided_alike(how: str) -> None:
    outcome, certain = climb(KIND, FILE, Machine(rung0=how))

    assert (outcome.rung, outcome.reason, certain) == (1, how, True)


@pytest.mark.parametrize("numbers", [[-9.0, -9.0, -9.0], [-1.0, float("nan"), -3.0], [-1.0, -2.0, float("inf")], []])
def test_wrong_numbers_are_as_bad_as_a_death(numbers: list[float]) -> None:
    outcome, _ = climb(KIND, FILE, Machine(rung0=numbers))

    assert (outcome.rung, outcome.reason) == (1, "wrong numbers")


def test_fewer_features_still_are_tried() -> None:
    outcome, _ = climb(KIND, FILE, Machine(rung0="SIGILL", rung1="SIGSEGV"))

    assert outcome.rung == REFERENCE
    assert not outcome.features.flash_attention
    assert "flash attention" in outcome.sentence


def test_the_slowest_way_is_the_last_one() -> None:
    machine = Machine(rung2="SIGILL")
    outcome, _ = climb(KIND, FILE, machine)

    assert (outcome.rung, machine.asked) == (3, [REFERENCE, 3])
    assert "one thread" in outcome.sentence


def test_where_nothing_works_loading_is_refused_with_a_next_step() -> None:
    outcome, certain = climb(KIND, FILE, Machine(rung2="SIGILL", rung3="SIGILL"))

    assert (outcome.rung, certain) == (None, True)
    with pytest.raises(EngineFailed, match=r"Q4_1 on this processor \(SIGILL\)") as caught:
        outcome.refuse()
    assert "another quantisation" in caught.value.hint


def test_a_probe_that_ran_out_of_memory_says_nothing_about_the_weights() -> None:
    outcome, certain = climb(KIND, FILE, Machine(rung0="SIGKILL"))
    assert (outcome.rung, certain, outcome.fresh) == (1, False, False)  # less memory is taken without extra buffers

    outcome, certain = climb(KIND, FILE, Machine(rung2="SIGKILL"))
    assert (outcome.rung, certain) == (0, False)


def test_a_file_that_does_not_load_is_left_to_the_real_load() -> None:
    outcome, certain = climb(KIND, FILE, lambda path, rungs: Report({}, "", "damaged"))

    assert (outcome.rung, certain) == (0, False)


def test_rounding_is_no_difference() -> None:
    assert near(PLAIN, [-1.1, -2.2, -2.9])
    assert not near(PLAIN, [-1.1, -2.2, -9.9])
    assert not near(PLAIN, PLAIN[:-1])
    assert not near(PLAIN, None)


def test_the_answer_is_remembered_and_told_once(starter: Path, nothing_known: Path) -> None:
    machine = Machine(rung0="SIGILL")
    assert what_works(starter, probe=machine).fresh
    what_works_module._known.clear()  # as another process would begin
    again = what_works(starter, probe=machine)

    assert machine.asked == [REFERENCE, 0, 1]
    assert (again.rung, again.reason, again.fresh) == (1, "SIGILL", False)
    kept = json.loads(next(nothing_known.iterdir()).read_bytes())
    assert kept["weights"] == "F16"


def test_another_kind_of_weights_or_another_machine_is_tried_anew(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine()
    what_works(starter, probe=machine)
    what_works(quantised(starter, "Q8_0", tmp_path), probe=machine)
    assert machine.asked == [REFERENCE, 0] * 2
    monkeypatch.setattr(what_works_module, "machine", lambda: "another")
    what_works(starter, probe=machine)
    assert machine.asked == [REFERENCE, 0] * 3


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"rung": 99, "reason": ""}', b'{"rung": "0"}', b"\xff"])
def test_a_damaged_memory_is_asked_again(starter: Path, nothing_known: Path, kept: bytes) -> None:
    machine = Machine()
    what_works(starter, probe=machine)
    next(nothing_known.iterdir()).write_bytes(kept)
    what_works_module._known.clear()
    what_works(starter, probe=machine)

    assert machine.asked == [REFERENCE, 0] * 2


def test_a_cache_that_cannot_be_written_costs_one_probe_a_process(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(what_works_module.PLACE, str(tmp_path / "file" / "probes"))
    machine = Machine()
    for _ in range(2):
        assert what_works(starter, probe=machine).rung == 0

    assert machine.asked == [REFERENCE, 0]


def test_it_can_be_turned_off(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(what_works_module.PLACE, "off")
    machine = Machine(rung0="SIGILL")

    assert what_works(starter, probe=machine).rung == 0
    assert machine.asked == []


def test_a_kind_is_its_types_and_how_its_matrices_divide(starter: Path, tmp_path: Path) -> None:
    assert kind_of(starter) == Kind("llama", ("F16 64 256", "F16 64 64"))
    assert kind_of(quantised(starter, "Q4_1", tmp_path)).weights == "Q4_1"
    assert Kind("llama", ("F32 1 1", "Q4_K 256 256", "Q6_K 256 256")).weights == "Q4_K and Q6_K"


# -- real children --


@pytest.mark.parametrize("weights", ["F16", "Q4_0", "Q4_1", "Q8_0"])
def test_a_real_child_reads_the_same_with_and_without_every_feature(
    weights: str, starter: Path, tmp_path: Path
) -> None:
    report = run_probe(starter if weights == "F16" else quantised(starter, weights, tmp_path), (REFERENCE, 0, 1, 3))

    assert (report.ended, report.error) == ("", "")
    assert sorted(report.nats) == list(range(len(LADDER)))
    assert all(near(report.nats[REFERENCE], nats) for nats in report.nats.values())
    assert all(np.isfinite(nats).all() for nats in report.nats.values())


def test_what_a_child_says_of_a_damaged_file_is_an_error_and_no_death(starter: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(starter.read_bytes()[:200_000])
    report = run_probe(tmp_path / "cut.gguf", (REFERENCE, 0))

    assert report.error
    assert (dict(report.nats), report.ended) == ({}, "")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("does", "ended"),
    [
        ("os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os._exit(3)", "exit code 3"),
    ],
)
def test_how_a_child_dies_is_told(
    does: str, ended: str, starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in faulty(
        tmp_path / "site", f"import os, signal, sys\nif 'llamacpp.probe' in str(sys.orig_argv): {does}"
    ).items():
        monkeypatch.setenv(name, value)

    assert run_probe(starter, (REFERENCE, 0)).ended == ended


def test_a_child_that_hangs_is_ended(starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys, time\nif 'llamacpp.probe' in str(sys.orig_argv): time.sleep(3600)"
    for name, value in faulty(tmp_path / "site", code).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(throwaway, "SECONDS", 0.5)

    assert run_probe(starter, (REFERENCE, 0)).ended == "no answer"


def test_a_load_that_is_stopped_stops_the_child(starter: Path) -> None:
    with pytest.raises(EngineFailed, match="was stopped"):
        run_probe(starter, (REFERENCE, 0), lambda: True)


def test_every_load_heeds_the_answer(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repacking: list[bool] = []
    from kobold_modules.backends.llamacpp.binding import library

    load = library().llama_model_load_from_file

    def spy(path: bytes, parameters: object) -> object:
        repacking.append(bool(parameters.use_extra_bufts))  # type: ignore[attr-defined]
        return load(path, parameters)

    monkeypatch.setattr(library(), "llama_model_load_from_file", spy)
    what_works_module.remember(Outcome(kind_of(starter), 1, "SIGILL"))
    model = NativeModel(starter)
    model.close()

    assert repacking == [False]
    assert model.notice == ""  # whoever found it out has been told
    what_works_module.remember(Outcome(kind_of(starter), None, "SIGILL"))
    with pytest.raises(EngineFailed, match="cannot compute with F16"):
        NativeModel(starter)
    assert repacking == [False]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_model_whose_fast_path_ends_the_process_writes_without_it(starter: Path, tmp_path: Path) -> None:
    """M01: G with Q4_1 was exit code 132 and nothing printed, on every try."""
    model = quantised(starter, "Q4_1", tmp_path)
    environment = faulty(tmp_path / "site", LIKE_AMX)
    command = [sys.executable, "-m", "kobold_modules", "generate", "--model", str(model), "--prompt", "The lift"]
    ended = [
        subprocess.run([*command, "--max-tokens", "3"], env=environment, capture_output=True, text=True, check=False)
        for _ in range(2)
    ]

    assert [each.returncode for each in ended] == [0, 0], ended[0].stderr
    assert all(each.stdout.startswith("The lift") for each in ended)
    sentence = "This processor's fast path for Q4_1 does not work in this build of llama.cpp (SIGILL)"
    assert [sentence in each.stderr for each in ended] == [True, False]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_training_through_a_model_whose_fast_path_ends_the_process(starter: Path, tmp_path: Path) -> None:
    """M01: training through such a file ended the process, too, and blamed memory in the interface."""
    model = quantised(starter, "Q4_1", tmp_path)
    pages = Path(__file__).resolve().parents[3] / "sample_texts" / "noir"
    command = [sys.executable, "-m", "kobold_modules", "train", str(pages), "--name", "x", "--model", str(model)]
    environment = faulty(tmp_path / "site", LIKE_AMX)
    few = ["--steps", "2", "--tokens", "4", "--row", "48"]
    ended = subprocess.run([*command, *few], env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("fast path for Q4_1 does not work") == 1
    assert "4 virtual tokens" in ended.stdout

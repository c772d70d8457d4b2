"""Training through the command line on the starter model: the road from a file to a zip."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.cli.commands.train import request_of
from kobold_modules.cli.parser import build_parser
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import with_rows


NOIR = Path(__file__).resolve().parents[2] / "data" / "pages" / "noir"
QUICK = ("--steps", "4", "--tokens", "4", "--row", "48", "--batch", "2")


def test_a_training_ends_on_the_shelf_and_in_a_zip(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path
) -> None:
    out = tmp_path / "noir.zip"

    code = main(["train", str(NOIR), "--name", "Noir", *QUICK, "--out", str(out), "--json"])

    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [record["record"] for record in records]
    assert code == 0
    assert kinds[-1] == "done"
    assert {"note", "progress", "loss", "saved", "baseline", "trained_module"} <= set(kinds)
    written, kept = kobold.read(out), Library().find("noir")
    assert np.array_equal(with_rows(written).vectors, with_rows(kept).vectors)
    assert kept.card.model == "starter"
    assert kept.card.measured["held_out_tokens"] > 200
    assert kept.card.samples["with"]
    assert with_rows(kept).initial is not None

    assert main(["train", str(NOIR), "--name", "NOIR", *QUICK]) == 2
    assert "already a module called NOIR" in capsys.readouterr().err
    assert main(["train", str(NOIR), "--name", "Noir", *QUICK, "--seed", "2", "--resume"]) == 2
    assert Library().find("noir").digest == kept.digest


def test_an_unknown_cleaning_rule_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(NOIR), "--name", "x", "--keep", "stars", "--keep", "verses", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert 'no cleaning rule "verses"' in said
    assert "stars, page-numbers" in said


def test_the_same_seed_trains_the_same_module(tmp_path: Path, starter: Path) -> None:
    for name in ("a", "b"):
        assert main(["train", str(NOIR), "--name", name, *QUICK, "--seed", "9"]) == 0

    assert Library().find("a").digest == Library().find("b").digest


def steps_done(line: bytes | str) -> int | None:
    """Return how many steps a record of the training tells, if it is one that does."""
    record = json.loads(line)
    return record["done"] if record["record"] == "progress" and record["stage"] == "training" else None


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_training_resumes_to_the_same_module(home: Path, starter: Path) -> None:
    killed_at = random.randint(2, 15)  # the first step is told before there is a checkpoint to continue from
    print(f"killed at step {killed_at}")  # shown where this fails
    command = [sys.executable, "-m", "kobold_modules", "train", str(NOIR), "--name", "k", "--steps", "60", "--json"]
    command += ["--tokens", "4", "--row", "48", "--batch", "2", "--replace"]
    environment = os.environ | {"KOBOLD_MODULES_SAVE_EVERY": "0"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    whole = Library().find("k").digest
    for folder in (home / "state" / "trainings").iterdir():
        for file in folder.iterdir():
            file.unlink()

    # Nothing is read ahead here, and the pipe holds some thirty steps' lines: however late this process is, that one
    # waits for it long before its last step.
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdout is not None
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    for line in process.stdout:
        if steps_done(line) == killed_at:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = subprocess.run([*command, "--resume"], env=environment, check=True, capture_output=True, text=True)

    assert "Continuing from step" in done.stdout
    assert Library().find("k").digest == whole


def test_ctrl_c_keeps_the_best_and_exits_130(home: Path, starter: Path) -> None:
    command = [sys.executable, "-m", "kobold_modules", "train", str(NOIR), "--name", "c", "--steps", "5000", "--json"]
    process = subprocess.Popen(
        [*command, "--tokens", "4", "--row", "48", "--batch", "2"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if steps_done(line) == 3:
            process.send_signal(signal.SIGINT)
            break
    rest = process.stdout.read()
    process.communicate()

    assert process.returncode == 130
    assert "Stopped; the best module so far is kept." in rest
    assert 3 <= Library().find("c").card.training["steps"] < 5000


def test_a_module_for_each_file_in_one_training(starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voices = [str(NOIR), str(NOIR.parent / "farce")]

    assert main(["train", "--each", *voices, *QUICK]) == 0

    printed = capsys.readouterr().out
    assert {entry.name for entry in Library().entries()} == {"noir", "farce"}
    assert "noir: Predicts held-out pages " in printed
    assert "farce: Predicts held-out pages " in printed
    modules = [Library().find(name) for name in ("noir", "farce")]
    assert not np.allclose(with_rows(modules[0]).vectors, with_rows(modules[1]).vectors)
    assert modules[0].card.sources[0]["name"] != modules[1].card.sources[0]["name"]
    assert (Library().entry("noir").path.parent / "curve.svg").read_text().startswith("<svg")


def test_each_and_a_name_contradict(starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--each", str(NOIR), "--name", "x", *QUICK]) == 2
    assert "names modules after their files" in capsys.readouterr().err


def test_a_dry_run_says_what_it_would_cost_and_trains_nothing(
    starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(NOIR), "--name", "x", *QUICK, "--dry-run", "--json"]) == 0

    cost = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert cost["words"] > 1500
    assert cost["steps"] == 4
    assert cost["seconds_per_step"] > 0
    assert cost["memory_bytes"] > 30e6
    assert cost["passes"] == pytest.approx(4 * 2 * 48 / cost["tokens"], abs=0.01)
    assert not Library().entries()


@pytest.mark.parametrize(
    "start", [("vocabulary", ""), ("words", "The lift stopped between floors."), ("module", "first")]
)
def test_a_training_starts_where_it_is_told(start: tuple[str, str], starter: Path) -> None:
    if start[0] == "module":
        assert main(["train", str(NOIR), "--name", "first", *QUICK]) == 0

    extra = ["--start-with", start[1]] if start[1] else []
    assert main(["train", str(NOIR), "--name", "second", *QUICK, "--start", start[0], *extra]) == 0

    second = with_rows(Library().find("second"))
    assert second.card.training["start"] == start[0]
    if start[0] == "module":
        assert second.initial is not None
        assert np.array_equal(second.initial, with_rows(Library().find("first")).vectors)


@pytest.mark.slow
def test_two_processes_make_the_module_that_one_makes(home: Path, starter: Path) -> None:
    """Data parallel under torchrun, the whole road: each process takes half of every step's rows."""
    command = ["-m", "kobold_modules", "train", str(NOIR), *QUICK, "--json", "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--standalone"]

    subprocess.run([sys.executable, *command, "--name", "one"], env=environment, check=True, capture_output=True)
    done = subprocess.run([*torchrun, *command, "--name", "two"], env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"record": "done"') == 1  # the other worked in silence
    one, two = (with_rows(Library().find(name)) for name in ("one", "two"))
    assert np.allclose(one.vectors, two.vectors, atol=1e-4)
    assert two.initial is not None
    assert not np.array_equal(two.vectors, two.initial)


def test_one_speaker_of_a_chat_by_choice(capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path) -> None:
    """T45: --dry-run tells who speaks with how many words, --speaker takes one, and another is named with those."""
    line = "The ferry did not run on Sundays, and nobody in the harbour could say since when it had been so. "
    said = [("Tom", "Yes, and no. " * 20)] + [("Mara", line * 20 + f"It was asked {n} times.") for n in range(3)]
    chat = tmp_path / "chat.jsonl"
    values = [{"name": name, "is_user": name == "Tom", "is_system": False, "mes": mes} for name, mes in said]
    chat.write_text("\n".join(map(json.dumps, values)))
    dry = ["train", str(chat), "--name", "mara", "--dry-run", *QUICK]

    assert main(dry) == 0
    told = capsys.readouterr().err
    assert "Written by Mara (1,215 words), Tom (60 words)." in told
    assert "--speaker NAME trains on the lines of one speaker only: --speaker Mara, for example." in told

    assert main([*dry, "--speaker", "mara"]) == 0
    told = capsys.readouterr().err
    assert "Left out: lines of other speakers (60 words)." in told
    assert "--speaker NAME" not in told

    assert main([*dry, "--speaker", "Ilse"]) == 3
    assert "Mara (1,215), Tom (60)" in capsys.readouterr().err


def lore_of_girls() -> str:
    entries = [{"comment": f"Girl {n}", "key": [], "content": f"She keeps {n} red balls in a box."} for n in range(20)]
    return json.dumps({"entries": {str(n): {"uid": n, **entry} for n, entry in enumerate(entries)}})


def test_a_small_lorebook_is_no_too_short_text_and_asks_for_tokens_of_its_own(
    starter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "girls.json").write_text(lore_of_girls(), encoding="utf-8")
    command = ["train", str(tmp_path / "girls.json"), "--kind", "world", "--name", "x", "--steps", "4", "--dry-run"]

    assert main([*command, "--json"]) == 0

    cost = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (cost["virtual_tokens"], cost["context"]) == (64, 1024)
    assert main(command) == 0
    assert "64 virtual tokens take 6% of the 1,024 the model reads." in "".join(capsys.readouterr())
    assert main([*command, "--objective", "text"]) == 3  # 160 words are too little to train on as they stand


def test_options_of_company_and_of_study_reach_the_request() -> None:
    given = [
        "train",
        "a.json",
        "--name",
        "x",
        "--kind",
        "world",
        "--beside",
        "noir",
        "--beside",
        "farce",
        "--teacher",
        "0.5",
    ]
    request = request_of(build_parser().parse_args(given))

    assert (request.tokens, request.beside, request.teacher, request.stack_safe) == (0, ("noir", "farce"), 0.5, True)
    plain = request_of(build_parser().parse_args(["train", "a.txt", "--name", "x", "--no-stack-safe"]))
    assert (plain.tokens, plain.objective, plain.stack_safe) == (100, "auto", False)


def test_one_command_trains_a_folder_of_authors_with_a_common_part(
    starter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 17, 4: each text and each folder in it is an author; what tells of the folder is none."""
    shutil.copytree(NOIR, tmp_path / "authors" / "noir")
    farce = "\n\n".join(page.read_text() for page in sorted((NOIR.parent / "farce").glob("*.txt")))
    (tmp_path / "authors" / "farce.txt").write_text(farce)
    (tmp_path / "authors" / "README.md").write_text("Two authors.")

    assert main(["train", "--each", str(tmp_path / "authors"), *QUICK, "--shared", "2"]) == 0

    assert "2 modules: farce, noir" in capsys.readouterr().err
    modules = [with_rows(Library().find(name)) for name in ("noir", "farce")]
    assert np.array_equal(modules[0].vectors[:2], modules[1].vectors[:2])
    assert not np.allclose(modules[0].vectors[2:], modules[1].vectors[2:])
    assert modules[0].card.training["shared"] == 2
    assert modules[0].card.training["shared_with"] == ["farce"]


def test_a_folder_without_texts_is_no_folder_of_authors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cover.png").write_bytes(b"\x89PNG")
    assert main(["train", "--each", str(tmp_path), *QUICK]) == 3
    assert "holds no text that can be read" in capsys.readouterr().err

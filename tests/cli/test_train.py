"""Training through the command line on the starter model: the road from a file to a zip."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold
from kobold_modules.library import Library


NOIR = Path(__file__).resolve().parents[2] / "sample_texts" / "noir"
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
    assert {"note", "progress", "loss", "saved", "result"} <= set(kinds)
    written, kept = kobold.read(out), Library().find("noir")
    assert np.array_equal(written.vectors, kept.vectors)
    assert kept.card.model == "starter"
    assert kept.card.measured["held_out_tokens"] > 300
    assert kept.card.samples["with"]
    assert kept.initial is not None

    assert main(["train", str(NOIR), "--name", "NOIR", *QUICK]) == 2
    assert "already a module called NOIR" in capsys.readouterr().err
    assert main(["train", str(NOIR), "--name", "Noir", *QUICK, "--seed", "2", "--resume"]) == 2
    assert Library().find("noir").digest == kept.digest


def test_the_same_seed_trains_the_same_module(tmp_path: Path, starter: Path) -> None:
    for name in ("a", "b"):
        assert main(["train", str(NOIR), "--name", name, *QUICK, "--seed", "9"]) == 0

    assert Library().find("a").digest == Library().find("b").digest


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_training_resumes_to_the_same_module(
    home: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "kobold_modules", "train", str(NOIR), "--name", "k", "--steps", "30", "--json"]
    command += ["--tokens", "4", "--row", "48", "--batch", "2", "--replace"]
    environment = os.environ | {"KOBOLD_MODULES_SAVE_EVERY": "0"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    whole = Library().find("k").digest
    for folder in (home / "state" / "trainings").iterdir():
        for file in folder.iterdir():
            file.unlink()

    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("done") == 11:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert process.returncode == -signal.SIGKILL
    done = subprocess.run([*command, "--resume"], env=environment, check=True, capture_output=True, text=True)

    assert "Going on from step" in done.stdout
    assert Library().find("k").digest == whole


def test_ctrl_c_keeps_the_best_and_exits_130(home: Path, starter: Path) -> None:
    command = [sys.executable, "-m", "kobold_modules", "train", str(NOIR), "--name", "c", "--steps", "5000", "--json"]
    process = subprocess.Popen(
        [*command, "--tokens", "4", "--row", "48", "--batch", "2"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("done") == 3:
            process.send_signal(signal.SIGINT)
            break
    began = time.monotonic()
    rest = process.stdout.read()
    process.wait()

    assert process.returncode == 130
    assert "Stopped; the best module so far is kept." in rest
    assert time.monotonic() - began < 60
    assert Library().find("c").card.training["steps"] < 100

"""``generate --batch``: every line that makes sense is answered once, whatever happens in between."""

from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.generation.log import entries
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module
from tests.cli.commands.test_generate import size, start, wait_for


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    return tmp_path / "tasks.jsonl"


def written(path: Path, *lines: Any) -> Path:
    path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["generate", *arguments])
    captured = capsys.readouterr()
    return code, [json.loads(line) for line in captured.out.splitlines()], captured.err


def test_each_line_is_written_as_it_asks(capsys: pytest.CaptureFixture[str], starter: Path, tasks: Path) -> None:
    vectors = np.random.default_rng(1).normal(0, 0.04, (5, 320)).astype(np.float32)
    Library().add(Module(vectors, Card("noir")))
    written(
        tasks,
        {"id": "a", "prompt": "She waited", "max_tokens": 3, "seed": 7},
        {"prompt": "She waited", "words": 5, "modules": ["noir:0.5"], "sampler": {"temperature": 0}},
        {"prompt": "She waited", "until": ",", "temperature": 0.1, "memory": "Nora.", "note": "Sad.", "module": "noir"},
        {"id": 4, "prompt": "She waited", "max_tokens": 40, "stop": ["e"], "seed": 7},
    )
    code, answers, err = run(capsys, "--batch", str(tasks), "--max-tokens", "50")

    assert code == 0, err
    assert [answer["id"] for answer in answers] == ["a", "2", "3", "4"]
    assert (answers[0]["tokens"], answers[0]["seed"], answers[0]["stack"]) == (3, 7, "no module")
    assert answers[1]["stack"] == "noir ×0.5"
    assert answers[1]["words"] >= 5
    assert "e" not in answers[3]["text"]
    logged = entries()
    assert logged[1]["sampler"]["temperature"] == 0
    assert (logged[2]["memory"], logged[2]["note"], logged[2]["sampler"]["temperature"]) == ("Nora.", "Sad.", 0.1)
    assert [entry["door"] for entry in logged] == ["batch"] * 4


def test_the_same_seeds_give_the_same_answers(capsys: pytest.CaptureFixture[str], starter: Path, tasks: Path) -> None:
    written(tasks, *({"prompt": "She waited", "max_tokens": 6, "seed": seed} for seed in (1, 2, 1)))
    texts = [answer["text"] for answer in run(capsys, "--batch", str(tasks))[1]]
    again = [answer["text"] for answer in run(capsys, "--batch", str(tasks))[1]]

    assert texts == again
    assert texts[0] == texts[2] != texts[1]


def test_bad_lines_are_told_by_number_and_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str], starter: Path, tasks: Path
) -> None:
    bad: list[Any] = [
        b"{not json\n",
        b"[]\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        {"id": "x"},
        {"prompt": 5},
        {"prompt": "a", "max_tokens": "many"},
        {"prompt": "a", "max_tokens": 0},
        {"prompt": "a", "modules": "nobody"},
        {"prompt": "a", "modules": [1]},
        {"prompt": "a", "unknown": 1},
        {"prompt": "a", "temperature": 99},
        {"prompt": "a", "sampler": []},
        {"prompt": "a", "seed": "x"},
        {"prompt": "a", "stop": [1]},
        {"prompt": "a", "until": "x" * 2000},
        {"prompt": "a", "id": None},
        {"prompt": "a", "id": "1"},
        {"prompt": "a", "memory": 3},
    ]
    written(tasks, {"prompt": "She", "max_tokens": 1}, *bad, b"\n", {"prompt": "He", "max_tokens": 1})
    code, answers, err = run(capsys, "--batch", str(tasks))

    assert code == 3
    assert [answer["id"] for answer in answers] == ["1", str(len(bad) + 3)]
    for number in range(2, len(bad) + 2):
        assert f"line {number}: " in err, number
    assert "Traceback" not in err
    assert f"{len(bad)} could not be understood" in err


def test_a_batch_from_a_pipe(
    capsys: pytest.CaptureFixture[str], starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"prompt": "She", "max_tokens": 2}\n')))
    code, answers, _ = run(capsys, "--batch", "-")

    assert (code, len(answers)) == (0, 1)


def test_a_killed_batch_goes_on_where_it_was(
    capsys: pytest.CaptureFixture[str], starter: Path, tasks: Path, tmp_path: Path, home: Path
) -> None:
    out = tmp_path / "out.jsonl"
    written(tasks, *({"id": f"t{n}", "prompt": f"Chapter {n}. She", "max_tokens": 30, "seed": n} for n in range(12)))
    process = start(home, "--batch", str(tasks), "--out", str(out))
    wait_for(process, lambda: size(out) > 0)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = out.read_bytes()
    out.write_bytes(before + b'{"id": "t11", "te')  # the worst that a power cut can do

    code, _, err = run(capsys, "--batch", str(tasks), "--out", str(out))
    after = out.read_bytes()
    assert code == 0
    assert after.startswith(before)
    assert "were there already" in err
    answers = [json.loads(line) for line in after.splitlines()]
    assert [answer["id"] for answer in answers] == [f"t{n}" for n in range(12)]

    code, _, err = run(capsys, "--batch", str(tasks), "--out", str(out))
    assert (code, out.read_bytes()) == (0, after)
    assert "0 written, 12 were there already" in err


def test_a_file_that_is_no_batchs_is_left_alone(
    capsys: pytest.CaptureFixture[str], starter: Path, tasks: Path, tmp_path: Path
) -> None:
    written(tasks, {"prompt": "She", "max_tokens": 1})
    for content in ("My only copy.\n", "My only copy.", '{"text": 1}\n', "[]\n"):
        (tmp_path / "out.txt").write_text(content)
        assert run(capsys, "--batch", str(tasks), "--out", str(tmp_path / "out.txt"))[0] == 2
        assert (tmp_path / "out.txt").read_text() == content


def test_a_batch_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("missing.jsonl", "."):
        code, _, err = run(capsys, "--batch", str(tmp_path / name))
        assert code == 3
        assert err.startswith("error: ")

"""``generate`` with a prompt: how long, where to, and what is left when it is killed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.cli import main
from kobold_modules.cli.out_file import OutFile
from kobold_modules.cli.output import Output
from kobold_modules.generation.log import entries


PROMPT = "The door opened, and"
END_OF_TEXT = 0  # its id in the starter model
ENDLESS = ("--words", "100000", "--bias", f"#{END_OF_TEXT}=-100")  # it writes until it is ended, whatever it draws


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["generate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def typed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start ``generate`` as a process of its own."""
    command = [sys.executable, "-m", "kobold_modules", "generate", *arguments]
    environment = {**os.environ, "KOBOLD_MODULES_HOME": str(home)}
    # Unbuffered: communicate() would not see what a buffer of ours had read ahead.
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, bufsize=0)


def wait_for(process: subprocess.Popen[bytes], condition: Any) -> None:
    """Wait until ``condition()`` holds; an end of the process before that is a failure."""
    while not condition():
        if process.poll() is not None:
            raise AssertionError(process.stderr.read().decode() if process.stderr else "ended")
        time.sleep(0.01)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_words_are_an_alternative_to_tokens(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    code, out, err = run(capsys, "--prompt", PROMPT, "--words", "30", "--seed", "1")

    words = len(out.removeprefix(PROMPT).split())
    assert code == 0
    assert 30 <= words <= 50
    assert f"{words} words" in err
    assert "seed 1" in err


def test_writing_goes_on_until_a_text_has_come(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    code, out, err = run(capsys, "--prompt", PROMPT, "--until", ",", "--seed", "1")

    assert code == 0
    assert out.rstrip("\n").endswith(",")
    assert out.removeprefix(PROMPT).count(",") == 1
    assert "--until" in err


def test_a_text_longer_than_the_context(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    options = ("--max-tokens", "300", "--contextsize", "128", "--seed", "1", "--bias", f"#{END_OF_TEXT}=-100")
    code, out, err = run(capsys, "--prompt", PROMPT, *options)

    assert code == 0
    assert "300 tokens" in err
    assert len(out) > 600


@pytest.mark.parametrize("data", [b"She waited\n", "Café, she\r\n".encode("cp1252"), b"\xef\xbb\xbfShe waited"])
def test_a_prompt_from_a_pipe_or_a_file_goes_on_in_its_last_line(
    capsys: pytest.CaptureFixture[str], starter: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "prompt.txt").write_bytes(data)
    typed(monkeypatch, data)
    piped = run(capsys, "-", "--max-tokens", "4", "--seed", "1")
    filed = run(capsys, "--prompt-file", str(tmp_path / "prompt.txt"), "--max-tokens", "4", "--seed", "1")

    assert piped[:2] == filed[:2]
    assert piped[0] == 0
    assert entries()[0]["prompt"]["text"] in ("She waited", "Café, she")


def test_memory_and_note_reach_the_model(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    arguments = ("--prompt", "It was late.\nShe waited.\nThen", "--max-tokens", "20", "--preset", "deterministic")
    plain = run(capsys, *arguments)[1]
    remembered = run(capsys, *arguments, "--memory", "Watson met Holmes in Baker Street.")[1]
    noted = run(capsys, *arguments, "--note", "[Holmes and the hound]")[1]

    assert len({plain, remembered, noted}) == 3
    assert "Baker" not in remembered.splitlines()[0]


def test_a_bad_combination_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for arguments in (
        ("--story", "a.json", "--batch", "b.jsonl"),
        ("--prompt", "x", "--resume"),
        ("--prompt", "x", "--retry"),
        ("--prompt", "x", "--save-as", "y.json"),
        ("--story", "a.json", "--out", "b.txt"),
        ("--prompt", "x", "--words", "0"),
        ("--prompt", "x", "--max-tokens", "-1"),
        ("--prompt", "x", "--until", "y" * 2000),
        (),
    ):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")


def test_a_missing_prompt_file_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in (str(tmp_path / "missing.txt"), str(tmp_path), "a\0b"):
        code, _, err = run(capsys, "--prompt-file", name)
        assert code == 3
        assert err.startswith("error: ")


def test_json_streams_records(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    code, out, err = run(capsys, "--prompt", PROMPT, "--max-tokens", "5", "--seed", "1", "--json")

    records = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert records[-1]["record"] == "finished"
    assert (records[-1]["tokens"], records[-1]["seed"]) == (5, 1)
    assert "".join(record["text"] for record in records if record["record"] == "text_chunk")


# -- into a file


def test_a_file_holds_what_stdout_would(capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path) -> None:
    arguments = ("--prompt", PROMPT, "--max-tokens", "12", "--seed", "5")
    code, out, _ = run(capsys, *arguments, "--out", str(tmp_path / "a.txt"))

    assert (code, out) == (0, "")
    assert (tmp_path / "a.txt").read_text() == run(capsys, *arguments)[1]
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["a.txt"]


def test_a_finished_file_is_never_overwritten_unasked(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("My only copy.")
    arguments = ("--prompt", PROMPT, "--max-tokens", "2", "--out", str(tmp_path / "a.txt"))

    assert run(capsys, *arguments)[0] == 2
    assert run(capsys, *arguments, "--resume")[0] == 2
    assert (tmp_path / "a.txt").read_text() == "My only copy."
    assert run(capsys, *arguments, "--replace")[0] == 0
    assert (tmp_path / "a.txt").read_text().startswith(PROMPT)


def test_kill_9_leaves_everything_written_and_resume_goes_on(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path, home: Path
) -> None:
    out = tmp_path / "novel.txt"
    process = start(home, "--prompt", PROMPT, *ENDLESS, "--seed", "1", "--out", str(out))
    wait_for(process, lambda: size(out) > 400)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    kept = out.read_text()
    assert kept.startswith(PROMPT)
    words = len(kept.removeprefix(PROMPT).split())
    assert run(capsys, "--prompt", PROMPT, "--out", str(out))[0] == 2
    code, _, err = run(capsys, *ENDLESS, "--words", str(words + 20), "--out", str(out), "--resume")

    text = out.read_text()
    assert code == 0
    assert f"Continuing after {words}" in err
    assert text.startswith(kept)
    assert words + 20 <= len(text.removeprefix(PROMPT).split()) <= words + 20 + max(20, words)
    assert run(capsys, "--out", str(out), "--resume")[0] == 2


def test_ctrl_c_keeps_what_is_written(starter: Path, tmp_path: Path, home: Path) -> None:
    out = tmp_path / "novel.txt"
    process = start(home, "--prompt", PROMPT, *ENDLESS, "--out", str(out))
    wait_for(process, lambda: size(out) > 200)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert process.returncode == 130
    assert out.read_text().startswith(PROMPT)
    assert b"--resume" in err
    assert b"Traceback" not in err


def test_ctrl_c_on_stdout_keeps_what_is_written(starter: Path, home: Path) -> None:
    process = start(home, "--prompt", PROMPT, *ENDLESS)
    assert process.stdout is not None
    first = process.stdout.read(200)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate()

    assert process.returncode == 130
    assert (first + rest).decode().startswith(PROMPT)
    assert b"interrupted" in err


def test_a_file_with_half_a_letter_at_its_end_goes_on(tmp_path: Path) -> None:
    out = OutFile(tmp_path / "a.txt")
    with out:
        out.begin("Café", 3)
        out.write(" crème")
    with (tmp_path / "a.txt").open("ab") as file:
        file.write("é".encode()[:1])

    begun = out.find(resume=True, replace=False)
    assert begun is not None
    assert (begun.prompt, begun.written, begun.seed) == ("Café", " crème", 3)
    with out:
        out.go_on(begun)
        out.write(".")
        out.finish()
    assert (tmp_path / "a.txt").read_text() == "Café crème.\n"


def test_a_context_above_the_models_is_said(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    """G12: say so where the model has a smaller context than was asked for."""
    code, _, err = run(capsys, "--prompt", PROMPT, "--max-tokens", "2", "--contextsize", "100000")

    assert code == 0
    assert "starter was made for 1,024 tokens, so its context is 1,024 and not 100,000." in err


@pytest.mark.parametrize("size", ["1", "31", "-1"])
def test_a_context_too_small_to_write_in_is_refused(
    capsys: pytest.CaptureFixture[str], starter: Path, size: str
) -> None:
    """G12: llama.cpp would end the process."""
    code, out, err = run(capsys, "--prompt", PROMPT, "--max-tokens", "2", "--contextsize", size)

    assert (code, out) == (2, "")
    assert "32 are the least" in err or "makes no sense" in err


def test_the_smallest_context_writes(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    code, out, _ = run(capsys, "--prompt", PROMPT * 20, "--max-tokens", "90", "--contextsize", "32", "--seed", "1")

    assert code == 0
    assert len(out) > len(PROMPT * 20) + 90


def test_a_bias_of_several_tokens_is_said_and_of_none_refused(
    capsys: pytest.CaptureFixture[str], starter: Path
) -> None:
    """G16: refuse or explain a bias before the first word."""
    code, _, err = run(capsys, "--prompt", PROMPT, "--max-tokens", "2", "--bias", "hippopotamus=2", "--bias", "door=1")
    assert code == 0
    assert "'hippopotamus' is" in err
    assert "door" not in err

    for more in ((), ("--best", "2")):
        code, out, err = run(capsys, "--prompt", PROMPT, "--bias", "#999999=-100", "--max-tokens", "2", *more)
        assert (code, out) == (2, "")
        assert "There is no token #999999: those of starter go from #0 to #6143." in err


@pytest.mark.parametrize("seed", ["-1", "0", "4294967295", "99999999999999999999"])
def test_any_seed_is_told_so_that_it_writes_the_text_again(
    capsys: pytest.CaptureFixture[str], starter: Path, seed: str
) -> None:
    code, out, err = run(capsys, "--prompt", PROMPT, "--max-tokens", "12", "--seed", seed)
    assert code == 0
    drawn = err.rsplit("seed ", 1)[1].split(";")[0]
    assert int(drawn) >= 0

    assert run(capsys, "--prompt", PROMPT, "--max-tokens", "12", "--seed", drawn)[1] == out


def test_nothing_is_on_stdout_where_nothing_could_be_written(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    code, out, err = run(capsys, "--prompt", PROMPT, "--memory", "word " * 2000)

    assert (code, out) == (2, "")
    assert "Memory and note take 2003 of the 1024 tokens" in err


def test_white_space_alone_is_an_empty_page(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    more = ("--max-tokens", "12", "--seed", "1")
    empty = run(capsys, "--prompt", "", *more)[1]

    for blank in (" ", "   ", "\n\n", "\t"):
        assert run(capsys, "--prompt", blank, *more)[1] == blank + empty


def test_a_note_stands_a_whole_number_of_lines_before_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", "--prompt", PROMPT, "--note", "Sad.", "--note-depth", "-3"])
    assert ended.value.code == 2


def test_no_control_character_reaches_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe gets the text as it is; what a terminal would obey is not shown there."""
    output = Output()
    output.write("a\x1b[31mb\x07\tc\n")
    assert capsys.readouterr().out == "a\x1b[31mb\x07\tc\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    output.write("a\x1b[31mb\x07\tc\n")
    assert capsys.readouterr().out == "a·[31mb·\tc\n"

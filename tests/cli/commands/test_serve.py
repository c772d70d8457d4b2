"""``serve`` as a person meets it: what it says, how it ends, and what it refuses before it loads anything."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kobold_modules import records
from kobold_modules.cli import main
from tests.server.process import fill_library, running


ROOT = Path(__file__).resolve().parents[3]


def test_it_tells_what_it_does_once_a_second_and_serves(stories: Path, home: Path) -> None:
    model = stories / "stories260K-F16.gguf"
    fill_library(home, model)
    command = [
        "-m",
        "kobold_modules",
        "serve",
        "--model",
        str(model),
        "--port",
        "0",
        "--json",
        "--stack",
        "noir,gothic:0.5",
    ]
    with running(command, home) as server:
        record = records.from_json(json.dumps(server.lines[0]).encode())
        assert isinstance(record, records.Serving)
        assert (record.model, record.stack) == ("stories260K-F16", "noir + gothic:0.5")
        assert server.get("/api/v1/config/soft_prompt").json == {"value": "noir + gothic:0.5"}
        body = {"prompt": "Once upon", "max_tokens": 8, "temperature": 0}
        default = server.post("/v1/completions", body).json
        assert (
            default["choices"][0]["text"]
            == server.post("/completion", body | {"stack": "noir + gothic:0.5"}).json["content"]
        )
        assert default["model"] == "noir + gothic:0.5"


def serving(stories: Path) -> list[str]:
    """Return the command that serves stories260K at any free port, telling how it goes in JSON."""
    model = str(stories / "stories260K-F16.gguf")
    return ["-m", "kobold_modules", "serve", "--model", model, "--port", "0", "--json"]


def test_ctrl_c_ends_it_with_130(stories: Path, home: Path) -> None:
    with running(serving(stories), home) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(300) == 130
        assert server.process.stderr is not None
        assert server.process.stderr.read() == ""


def test_being_asked_to_end_is_no_failure(stories: Path, home: Path) -> None:
    with running(serving(stories), home) as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(300) == 0


def test_it_says_where_to_connect_what(stories: Path, home: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "kobold_modules",
        "serve",
        "--model",
        str(stories / "stories260K-F16.gguf"),
        "--port",
        "0",
    ]
    environment = os.environ | {"KOBOLD_MODULES_HOME": str(home), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(said)
        assert "Open http://127.0.0.1:" in text
        assert "SillyTavern" in text
        assert "/v1" in text
    finally:
        process.terminate()
        process.communicate()


def test_a_port_that_is_taken_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: Port {port} is taken")
    assert "--port" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "nowhere.invalid"], "no address nowhere.invalid"),
        (["--port", "70000"], "70000 is no port"),
        (["--clients", "0"], "0 texts cannot"),
        (["--queue", "0"], "queue should have"),
        (["--origin", "lite.koboldai.net"], "is no origin"),
        (["--api-key", " "], "key is empty"),
        (["--stack", "a", "--module", "b"], "do not go together"),
    ],
)
def test_options_that_make_no_sense_are_usage(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *options]) == 2
    assert words in capsys.readouterr().err


def test_a_page_that_is_none_is_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "lite.html"
    page.write_text("no page")
    assert main(["serve", "--lite", str(page)]) == 3
    assert main(["serve", "--lite", str(tmp_path / "missing.html")]) == 3
    assert "is no page" in capsys.readouterr().err


def test_a_folder_of_hugging_face_is_said_to_need_gguf(stories: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", "--model", str(stories / "stories260K-hf")]) == 2
    assert "GGUF" in capsys.readouterr().err

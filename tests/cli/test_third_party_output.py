"""M22: what libraries say goes to a log, and a person's terminal shows our own lines alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kobold_modules.third_party_logging import QUIET, log_file


NOIR = Path(__file__).resolve().parents[1] / "data" / "pages" / "noir"
ONE_STEP = ("--name", "mine", "--steps", "1", "--tokens", "4", "--row", "48", "--batch", "2", "--replace")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, where nobody has quietened a library yet."""
    environment = {key: value for key, value in os.environ.items() if key not in QUIET}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def measure(tmp_path: Path) -> tuple[str, ...]:
    """Return the command that measures the first words of a story."""
    text = tmp_path / "page.txt"
    text.write_text((NOIR / "noir.txt").read_text(encoding="utf-8")[:3000], encoding="utf-8")
    return ("measure", "--json", "--text", str(text))


@pytest.fixture(params=["starter", "stories260K-F16.gguf", "stories260K-hf"])
def model(request: pytest.FixtureRequest, stories: Path) -> str:
    return request.param if request.param == "starter" else str(stories / request.param)


def test_a_training_shows_only_our_own_lines(model: str) -> None:
    done = run("-m", "kobold_modules", "train", str(NOIR), "--model", model, *ONE_STEP)

    assert done.returncode == 0, done.stderr
    assert "held-out" in done.stderr
    assert all(line.startswith("  ") for line in done.stderr.split("\n")[:-1]), done.stderr  # as Output.say indents
    assert "\r" not in done.stderr


def test_with_json_stderr_is_empty() -> None:
    done = run("-m", "kobold_modules", "train", str(NOIR), *ONE_STEP, "--json")
    assert (done.returncode, done.stderr) == (0, "")


CHATTER = """
import logging, sys, warnings
from kobold_modules.cli import main
from kobold_modules.backends.torch import load as backend

load = backend.load_torch_model

def chatty(*arguments, **options):
    import huggingface_hub, torch, tqdm.auto, transformers
    warnings.warn("said by warnings", FutureWarning, stacklevel=2)
    logging.getLogger("accelerate.big_modeling").warning("said by logging")
    alone = logging.getLogger("alone")
    alone.propagate = False
    alone.error("said by a logger without a root")
    transformers.utils.logging.get_logger("transformers.modeling_utils").warning("said by transformers")
    huggingface_hub.utils.logging.get_logger("huggingface_hub.file_download").warning("said by the hub")
    logging.getLogger("torch._inductor.utils").warning("said by torch")
    for bar in (tqdm.auto.tqdm, transformers.utils.logging.tqdm, huggingface_hub.utils.tqdm):
        list(bar(range(3), desc="said by a bar"))
    return load(*arguments, **options)

backend.load_torch_model = chatty
sys.exit(main(sys.argv[1:]))
"""


def test_whatever_a_library_says_and_how_it_goes_to_the_log(home: Path, measure: tuple[str, ...]) -> None:
    done = run("-c", CHATTER, *measure)

    assert (done.returncode, done.stderr) == (0, "")
    assert "said by" not in done.stdout
    logged = log_file().read_text()
    assert all(f"said by {how}" in logged for how in ("warnings", "logging", "a logger without a root"))


def test_a_developer_who_asks_for_warnings_sees_them(measure: tuple[str, ...]) -> None:
    done = run("-W", "always", "-c", CHATTER, *measure)
    assert "FutureWarning: said by warnings" in done.stderr


def test_our_own_errors_are_seen(tmp_path: Path) -> None:
    done = run("-m", "kobold_modules", "train", str(tmp_path / "missing.txt"), "--name", "mine")

    assert done.returncode == 3
    assert done.stderr.startswith("error: ")


def test_a_home_that_cannot_be_written_to_costs_only_the_log(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code = (
        "import logging, os, sys; os.environ['KOBOLD_MODULES_HOME'] = sys.argv[1];"
        "from kobold_modules.third_party_logging import keep_off_the_terminal; keep_off_the_terminal();"
        "logging.warning('said %d', 'unfit')"
    )
    done = run("-c", code, str(tmp_path / "file"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_long_log_is_turned_over(home: Path) -> None:
    code = (
        "import logging; from kobold_modules import third_party_logging as room; room.keep_off_the_terminal();"
        "room.MOST_BYTES = 10; logging.warning('the first'); logging.warning('the second')"
    )
    run("-c", code)
    assert "the second" in log_file().read_text()
    assert "the first" in log_file().with_name("libraries.log.1").read_text()
    assert "the first" not in log_file().read_text()

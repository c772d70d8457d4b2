"""What all tests share: a home of their own, their share of the cores, and the real models where they are at hand.

A folder of tests runs in several processes where there is pytest-xdist and more than one core; a single file does not.
That is decided here and not by `-n auto` in pyproject's addopts, with which pytest would start processes for one test
and not start at all under `-p no:xdist`. `-n 0` keeps everything in one process.
"""

from __future__ import annotations

import os
import random
import sys
import zlib
from collections.abc import Iterator


# Before anything native loads: tests run beside other work, and spinning threads crawl there.
os.environ["OMP_WAIT_POLICY"] = "passive"
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    os.environ["OMP_NUM_THREADS"] = "1"  # two threads each on a core each would only wait for one another
else:
    os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["KOBOLD_MODULES_PRECISION"] = "float32"  # what "auto" means must not depend on the processor under a test
os.environ["HF_HUB_OFFLINE"] = "1"
# Sets are walked in one order by the processes that run tests and by their children. Another seed is tried to find
# something, as hypothesis' is: see CONTRIBUTING.md.
os.environ.setdefault("PYTHONHASHSEED", "0")

from pathlib import Path

import hypothesis
import pytest


# A busy machine is no bug: no test fails for being slow. What is drawn is the same at every run, so that a change is
# judged by itself; `pytest --hypothesis-profile=search` draws anew, and is run when something is to be found.
hypothesis.settings.register_profile(
    "here", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], derandomize=True
)
hypothesis.settings.register_profile("search", hypothesis.settings.get_profile("here"), derandomize=False)
hypothesis.settings.load_profile("here")

MOST_PROCESSES = 4  # each loads torch, transformers and llama.cpp: over a gigabyte

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run several processes for a folder of tests, unless the person said otherwise or wants to see inside."""
    option = config.option
    if hasattr(config, "workerinput") or not hasattr(option, "numprocesses"):
        return  # one of those processes itself, or no pytest-xdist
    looking_inside = option.usepdb or option.trace or option.collectonly or option.capture == "no"
    if option.numprocesses is None and not option.tx and not looking_inside and any(map(os.path.isdir, config.args)):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        option.numprocesses = min(cores, MOST_PROCESSES) if cores > 1 else 0
    if option.numprocesses and option.dist == "no":
        option.dist = "worksteal"  # files stay together, and so do their models, until one process has nothing left


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: a zip made at collection holds the time, and each process collects for itself."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Find out what llama.cpp can do here once a run, and not once for every test's empty cache."""
    from kobold_modules.backends.llamacpp.what_works import PLACE

    folder = tmp_path_factory.mktemp("probes")
    os.environ[PLACE] = str(folder)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty library of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def same_chance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test its own chance, the same at every run, in whatever order and company it runs.

    What a test leaves open (a text's seed, a shuffle) is drawn after the test's name, here and in the children it
    starts. A test that asserts what only some draws give then fails always, or for nobody.
    """
    from kobold_modules.sampling.seed import VARIABLE

    seed = zlib.crc32(request.node.nodeid.encode())
    monkeypatch.setenv(VARIABLE, str(seed))
    random.seed(seed)
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(seed)


@pytest.fixture
def no_training_left(home: Path) -> Iterator[None]:
    """End the trainings of a test that fails: they outlive whoever started them, and take a core with them."""
    yield
    from kobold_modules.training_queue.queue import TrainingQueue

    queue = TrainingQueue(launch=lambda: None)
    for training in queue.trainings():
        if not training.ended:
            queue.cancel(training.id)


@pytest.fixture(scope="session")
def starter() -> Path:
    """Return the starter model's file."""
    from kobold_modules.models.starter import starter_path

    if not starter_path().exists():
        pytest.skip("the starter model is not in this checkout")
    return starter_path()


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with stories260K, a tiny real Llama that nobody here trained, in three forms."""
    from tests import stories260k

    return stories260k.write(tmp_path_factory.mktemp("stories260k"))


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Return SmolLM2 135M Instruct, Q4_1: where KOBOLD_MODULES_SMOLLM2 says, or where a person fetched it.

    Made for a whole session, and so before :func:`home` names another folder for the first test that asks for it.
    """
    from kobold_modules.models.smollm2 import GET, smollm2_path

    named = os.environ.get("KOBOLD_MODULES_SMOLLM2")
    path = Path(named) if named else smollm2_path()
    if path is None or not path.is_file():
        pytest.skip(f"SmolLM2 is not {f'at {path}' if path else 'on this disk'}; `{GET}` fetches it")
    return path


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of public-domain prose by author."""
    folder = SHARED / "corpora"
    if not (folder / "manifest.json").exists():
        pytest.skip(f"the corpora are not at {folder}")
    return folder

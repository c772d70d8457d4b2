"""What all tests share: a home of their own, one thread, and the real models where they are at hand."""

from __future__ import annotations

import os


# Before anything native loads: tests run beside other work, and spinning threads crawl there.
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"

from pathlib import Path

import hypothesis
import pytest


# A busy machine is no bug: no test fails for being slow.
hypothesis.settings.register_profile("here", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("here")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has an empty library of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def starter() -> Path:
    """The starter model's file."""
    from kobold_modules.models.starter import starter_path

    if not starter_path().exists():
        pytest.skip("the starter model is not in this checkout")
    return starter_path()


@pytest.fixture(scope="session")
def stories() -> Path:
    """The folder of stories260K, a tiny real Llama that nobody here trained."""
    folder = SHARED / "models"
    if not (folder / "stories260K-F32.gguf").exists():
        pytest.skip(f"stories260K is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of public-domain prose by author."""
    folder = SHARED / "corpora"
    if not (folder / "manifest.json").exists():
        pytest.skip(f"the corpora are not at {folder}")
    return folder

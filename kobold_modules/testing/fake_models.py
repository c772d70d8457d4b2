"""Models such as a writer might have, for tests of screens: what the fake client answers to Models and Download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from ..answers import ModelsFound
from ..errors import NoModel
from ..models.discovery.discover import Survey
from ..models.facts import Facts
from ..models.hub.repo_id import parse_hub_id
from ..models.listing import answered
from ..models.reference import ModelFile
from ..models.smollm2 import FILE, OFFER, SIZE
from ..models.smollm2 import NAME as SMOLLM2
from ..models.system_memory import SystemMemory
from ..records import Done, Note, Progress, Record, Saved
from ..worker.messages import Download


HERE = SystemMemory(total=32 * 10**9, free=24 * 10**9)
HOME = Path("/home/writer/models")
_GLM = "glm-4-9b cannot take modules: llama.cpp accepts no soft prompts for glm4 models."
_OTHER = "transformers does not read GGUF files of glm4 models"


def _found(
    name: str, place: str, facts: Facts | None, problem: str = "", kind: Literal["gguf", "hf"] = "gguf"
) -> ModelFile:
    path = HOME / (FILE if name == SMOLLM2 else name.rpartition("/")[2] + (".gguf" if kind == "gguf" else ""))
    return ModelFile(name, path, kind, name if name in ("starter", SMOLLM2) else "", place, problem, facts)


MODELS = (
    _found(
        "starter",
        "this program",
        Facts("llama", "F16", 16_232_960, 1, 8_011_200, 1024, 5, 320, 832, 6144, 3200),
    ),
    _found(
        "glm-4-9b.Q4_K_M",
        "Ollama",
        Facts(
            "glm4", "Q4_K_M", 6_160_000_000, 1, 9_400_000_000, 32768, 40, 4096, 13696, 151552, 20480, _OTHER, "", _GLM
        ),
    ),
    _found(
        "Llama-3.3-70B-Instruct-Q4_K_M",
        "LM Studio",
        Facts("llama", "Q4_K_M", 42_520_000_000, 2, 70_550_000_000, 131072, 80, 8192, 28672, 128256, 163840),
    ),
    _found(
        "Mistral-7B-v0.3.Q4_K_M",
        "folder",
        Facts("llama", "Q4_K_M", 4_370_000_000, 1, 7_248_000_000, 32768, 32, 4096, 14336, 32768, 65536),
    ),
    _found("novelist-13b.Q5_K_M", "koboldcpp", None, "It is damaged or unfinished: its weights are not all there."),
    _found(
        "Qwen/Qwen3-0.6B-Base",
        "Hugging Face",
        Facts("qwen3", "BF16", 1_192_000_000, 1, 596_000_000, 32768, 28, 1024, 3072, 151936, 57344, kind="hf"),
        kind="hf",
    ),
    _found(
        "Qwen3-1.7B-Base.Q8_0",
        "Hugging Face",
        Facts("qwen3", "Q8_0", 1_830_000_000, 1, 1_720_000_000, 32768, 28, 2048, 6144, 151936, 57344),
    ),
)
LEFT_OUT = ((HOME / "mmproj-F16.gguf", "a projector: the part of another model that reads pictures"),)


def survey(also: str = "", named: tuple[str, ...] = ()) -> ModelsFound:
    """Return the answer to a Models job.

    ``also`` is the name of a model that has been downloaded since, ``named`` are paths of .gguf files that were named.
    """
    if also == SMOLLM2:
        facts = Facts("llama", "Q4_1", SIZE, 1, 134_515_008, 8192, 30, 576, 1536, 49152, 11520)
        new = _found(SMOLLM2, "this program", facts)
    else:
        facts = Facts("llama", "Q4_K_M", 808_000_000, 1, 1_236_000_000, 131072, 16, 2048, 8192, 128256, 16384)
        new = _found(also, "Hugging Face", facts)
    models = (*MODELS, new) if also else MODELS
    for path in (Path(path) for path in named if path.endswith(".gguf")):
        models = (*models, ModelFile(path.stem, path, "gguf", place="named", known=MODELS[-1].facts))
    return answered(Survey(models, LEFT_OUT, offer="" if also == SMOLLM2 else OFFER), HERE)


def download(job: Download, cancelled: Callable[[], bool]) -> Iterator[Record]:
    """Take ten steps to a model on the disk."""
    hub = parse_hub_id(job.model)
    if job.model != SMOLLM2 and (hub is None or "missing" in job.model):
        raise NoModel(f"The hub has no model {job.model}, or it is private.", "Check the spelling.")
    for step in range(11):
        if cancelled():
            yield Note(f"Stopped. What is here of {hub or SMOLLM2} is kept, and the same download goes on from there.")
            yield Done("stopped")
            return
        yield Progress("downloading", 80_800_000 * step, 808_000_000, 2.0 * (10 - step))
    yield Saved(str(HOME / (FILE if hub is None else f"{hub.repository.rpartition('/')[2]}.gguf")), "model")
    yield Done("download")

"""Models, Download and an unloading Load through a real child process."""

from __future__ import annotations

import os
from pathlib import Path

from kobold_modules.answers import ModelsFound, Verdict
from kobold_modules.records import Done, Loaded, Progress, Saved
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Count, Download, Load, Models
from tests.models.fake_hub import FakeHub
from tests.models.small_gguf import header, llama_fields, llama_tensors, weights, write_llama
from tests.worker.conftest import ask, failure


def _can(verdict: Verdict | None) -> str:
    return "" if verdict is None else verdict.can


async def test_it_searches_the_disk(client: WorkerClient, stories: Path, tmp_path: Path) -> None:
    write_llama(tmp_path / "mine" / "glm.gguf", more={"general.architecture": "glm4"})

    (answer,) = await ask(client, Models((str(stories), str(tmp_path / "mine"))))

    assert isinstance(answer, ModelsFound)
    found = {model.name: model for model in answer.models}
    assert {"starter", "stories260K-F16", "stories260K-hf", "glm"} <= set(found)
    assert _can(found["stories260K-F16"].write) == "yes"
    assert _can(found["stories260K-F16"].train) == "yes"
    assert _can(found["stories260K-hf"].train) == "yes"
    assert _can(found["glm"].train) == "no"
    assert answer.memory.total > 0


async def test_it_downloads_and_then_loads_by_name(tmp_path: Path, stories: Path) -> None:
    data = (stories / "stories260K-F16.gguf").read_bytes()
    hub = FakeHub({"maker/stories": {"stories.F16.gguf": data}})
    with hub.running():
        hub.breaks, hub.break_after = 1, 200_000
        environment = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(tmp_path / "hub")}
        client = WorkerClient(env={**os.environ, **environment})
        try:
            records = await ask(client, Download("maker/stories:F16"))
            missing = failure(await ask(client, Download("maker/none")))
            loaded = await ask(client, Load("maker/stories"))
        finally:
            await client.close()

    saved = next(record for record in records if isinstance(record, Saved))
    assert Path(saved.path).read_bytes() == data
    assert records[-1] == Done("download")
    assert any(isinstance(record, Progress) and record.total == len(data) for record in records)
    assert "no model maker/none" in missing.message
    assert isinstance(loaded[-1], Loaded)


async def test_unloading_frees_the_model(loaded: WorkerClient) -> None:
    assert await ask(loaded, Load("")) == [Done("unloaded")]
    assert failure(await ask(loaded, Count("a"))).message == "No model is loaded."


async def test_loading_what_cannot_fit_is_refused(client: WorkerClient, tmp_path: Path) -> None:
    """A header that promises more than any machine has; the file itself is sparse."""
    path = tmp_path / "vast.gguf"
    path.write_bytes(header(llama_fields(), llama_tensors()) + weights())
    with path.open("r+b") as file:
        file.truncate(2**43)

    failed = failure(await ask(client, Load(str(path))))

    assert failed.code == 6
    assert "vast.gguf needs" in failed.message


async def test_the_fake_answers_alike() -> None:
    client = FakeClient()
    (answer,) = await ask(client, Models())
    assert isinstance(answer, ModelsFound)
    assert answer.models[0].name == "starter"
    records = await ask(client, Download("maker/story:Q4_K_M"))
    assert isinstance(records[0], Progress)
    assert [type(record) for record in records[-2:]] == [Saved, Done]
    (after,) = await ask(client, Models())
    assert isinstance(after, ModelsFound)
    assert len(after.models) == len(answer.models) + 1
    assert "no model" in failure(await ask(client, Download("maker/missing"))).message
    await ask(client, Load("starter"))
    assert await ask(client, Load("")) == [Done("unloaded")]
    other = client.another()
    await ask(other, Models())
    assert client.jobs[-1] == Models()

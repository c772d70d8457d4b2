"""Finding models wherever other programs have put them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.models import reference
from kobold_modules.models.discovery import discover as discovering
from kobold_modules.models.discovery.discover import Survey, called, discover
from kobold_modules.models.discovery.places import named_by_kcpps
from kobold_modules.models.facts import Facts, facts_of_gguf
from kobold_modules.models.find import resolve
from tests.models.small_gguf import write_llama
from tests.models.test_facts import save


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up a home folder and a working folder with nothing in them."""
    folder = tmp_path / "person"
    (folder / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder / "work")
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def names(survey: Survey) -> list[str]:
    return [found.name for found in survey.models if found.model != "starter"]


def folder_model(folder: Path, **config: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    about = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "vocab_size": 4} | config
    (folder / "config.json").write_text(json.dumps(about))
    save(folder / "model.safetensors", {"model.embed_tokens.weight": np.ones((4, 8), np.float32)})
    return folder


def test_nothing_but_the_starter(person: Path, starter: Path) -> None:
    survey = discover()

    assert [found.name for found in survey.models] == ["starter"]
    assert survey.notes == ()


def test_hub_cache_current_version_only(person: Path) -> None:
    cache = person / ".cache" / "huggingface" / "hub"
    repository = cache / "models--maker--story"
    for version in ("old", "new"):
        folder_model(repository / "snapshots" / version)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("new")
    blob = write_llama(cache / "models--maker--story-GGUF" / "blobs" / "abc")
    snapshot = cache / "models--maker--story-GGUF" / "snapshots" / "1"
    (snapshot / "sub").mkdir(parents=True)
    (snapshot / "sub" / "story.Q4_K_M.gguf").symlink_to(os.path.relpath(blob, snapshot / "sub"))

    survey = discover()

    assert names(survey) == ["maker/story", "story.Q4_K_M"]
    assert {found.place for found in survey.models[1:]} == {"Hugging Face"}
    assert survey.models[1].path.name == "new"
    assert resolve("maker/story").path == survey.models[1].path
    assert resolve("maker/story-GGUF:q4_k_m").path == survey.models[2].path
    assert resolve("maker/story-GGUF/sub/story.Q4_K_M.gguf").path == survey.models[2].path


def test_an_unfinished_download_is_noted(person: Path) -> None:
    repository = person / ".cache" / "huggingface" / "hub" / "models--maker--story"
    (repository / "blobs").mkdir(parents=True)
    (repository / "blobs" / "abc.incomplete").write_bytes(b"x")

    (note,) = discover().notes

    assert "maker/story was not finished" in note
    assert "--download maker/story" in note


def test_lm_studio_and_where_it_was_moved_to(person: Path, tmp_path: Path) -> None:
    write_llama(person / ".lmstudio" / "models" / "maker" / "story" / "story-Q8_0.gguf")
    write_llama(tmp_path / "disk" / "maker" / "other" / "other.gguf")
    (person / ".lmstudio" / "settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "disk")}))

    survey = discover()

    assert names(survey) == ["other", "story-Q8_0"]
    assert {found.place for found in survey.models[1:]} == {"LM Studio"}


def ollama_model(home: Path, name: str, tag: str, digest: str, media: str = "model") -> Path:
    manifest = home / "manifests" / "registry.ollama.ai" / "library" / name / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64},
        {"mediaType": f"application/vnd.ollama.image.{media}", "digest": digest},
    ]
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return home / "blobs" / digest.replace(":", "-")


def test_ollama_by_its_manifests(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = person / ".ollama" / "models"
    write_llama(ollama_model(home, "story", "7b", "sha256:" + "a" * 64))
    ollama_model(home, "gone", "latest", "sha256:" + "b" * 64)
    ollama_model(home, "evil", "latest", "sha256:../../../../etc/passwd")

    survey = discover()

    assert names(survey) == ["story:7b"]
    assert any("not there" in note and "b" * 64 in note for note in survey.notes)
    assert not any("passwd" in note for note in survey.notes)
    assert resolve("story:7b").path.name == "sha256-" + "a" * 64
    assert called("Story:7B") is not None
    assert called("nobody") is None


def test_koboldcpp_settings_point_at_models(person: Path) -> None:
    model = write_llama(person / "somewhere" / "novel.Q5_K_M.gguf")
    (person / "koboldcpp").mkdir()
    (person / "koboldcpp" / "my novel.kcpps").write_text(json.dumps({"model_param": str(model), "contextsize": 8192}))
    (person / "koboldcpp" / "old.kcpps").write_text(json.dumps({"model": ["gone.gguf"]}))
    (person / "koboldcpp" / "torn.kcpps").write_text('{"model_param": ')

    survey = discover()

    assert names(survey) == ["my novel"]
    assert survey.models[-1].place == "koboldcpp"
    assert any("old.kcpps names a model that is not there" in note for note in survey.notes)
    assert list(named_by_kcpps(person / "koboldcpp" / "torn.kcpps")) == []
    assert names(discover([person / "koboldcpp" / "my novel.kcpps"], only=True)) == ["my novel"]


def test_koboldai_folders_and_pickles_left_there(person: Path) -> None:
    models = person / "KoboldAI-Client" / "models"
    folder_model(models / "novelist")
    (models / "old-2.7B").mkdir()
    (models / "old-2.7B" / "config.json").write_text("{}")
    (models / "old-2.7B" / "pytorch_model.bin").write_bytes(b"pickle")

    survey = discover()

    assert names(survey) == ["novelist"]
    assert survey.left_out == (
        (
            models / "old-2.7B",
            "holds no .safetensors weights, only pickled ones (pytorch_model.bin), and pickles are never loaded",
        ),
    )


def test_configured_and_named_folders(person: Path, home: Path) -> None:
    write_llama(person / "a" / "one.gguf")
    write_llama(person / "b" / "two.gguf")
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(f'[models]\nfolders = ["{person}/a", 7, "/nowhere"]\n')

    assert names(discover()) == ["one"]
    assert names(discover([person / "b"])) == ["one", "two"]
    assert names(discover([person / "b", person / "c"], only=True)) == ["two"]
    assert discover([person / "c"], only=True).notes == (f"There is nothing at {person / 'c'}.",)


def test_parts_count_once_and_a_missing_part_is_a_problem(person: Path) -> None:
    folder = person / "models"
    for number in (1, 2, 3):
        write_llama(folder / f"big-{number:05d}-of-00003.gguf")
    write_llama(folder / "torn-00001-of-00002.gguf")

    big, torn = discover([folder], only=True).models

    assert (big.name, big.facts and big.facts.parts) == ("big", 3)
    assert "part 2 is missing" in torn.problem
    assert resolve(str(folder / "big-00002-of-00003.gguf")).path == big.path
    assert resolve(str(folder / "big-00001-of-00003.gguf")).bytes == sum(f.stat().st_size for f in folder.glob("big*"))


def test_what_is_no_model_is_left_out_with_a_reason(person: Path) -> None:
    folder = person / "models"
    write_llama(folder / "mmproj-story.gguf")
    write_llama(folder / "lora.gguf", more={"general.type": "adapter"})
    write_llama(folder / "search.gguf", more={"general.architecture": "bert"})
    (folder / "noise.gguf").write_bytes(b"not a model")

    survey = discover([folder], only=True)

    assert {path.name: reason.split(":")[0] for path, reason in survey.left_out} == {
        "mmproj-story.gguf": "a projector",
        "lora.gguf": "a LoRA",
        "search.gguf": "a model that reads text (embeddings, search) and writes none",
    }
    assert [found.problem for found in survey.models] == ["It is not a GGUF model: it does not begin with GGUF."]


def test_links_to_oneself_and_double_ways(person: Path) -> None:
    folder = person / "models"
    write_llama(folder / "deep" / "story.gguf")
    (folder / "deep" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to("self")
    (folder / "again.gguf").symlink_to(folder / "deep" / "story.gguf")
    (folder / "dangling.gguf").symlink_to("nothing")

    assert len(discover([folder, folder / "deep"], only=True).models) == 1


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs rights")
def test_a_folder_one_may_not_read_is_noted(person: Path) -> None:
    locked = person / "models" / "locked"
    locked.mkdir(parents=True)
    locked.chmod(0)
    try:
        assert any("cannot be looked into" in note for note in discover([person / "models"], only=True).notes)
    finally:
        locked.chmod(0o700)


def test_a_folder_that_fails_is_noted(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for any user, root as well."""
    (person / "models" / "locked").mkdir(parents=True)
    write_llama(person / "models" / "story.gguf")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)

    survey = discover([person / "models"], only=True)

    assert names(survey) == ["story"]
    assert "cannot be looked into: Permission denied" in survey.notes[0]


def test_endless_folders_end(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovering, "MOST_ENTRIES", 20)
    for number in range(10):
        for file in range(5):
            write_llama(person / "models" / str(number) / f"{file}.gguf")

    survey = discover([person / "models"], only=True)

    assert 0 < len(survey.models) <= 20
    assert len(survey.notes) == 1


def with_facts(survey: Survey) -> tuple[Survey, list[Facts]]:
    return survey, [model.facts for model in survey.models]


def test_what_was_read_is_kept_until_the_file_changes(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_llama(person / "models" / "story.gguf")
    read: list[Path] = []
    real = facts_of_gguf
    monkeypatch.setattr(reference, "facts_of_gguf", lambda *parts: read.extend(parts) or real(*parts))

    first = with_facts(discover([path.parent], only=True))
    second = with_facts(discover([path.parent], only=True))
    assert (len(read), first) == (1, second)

    write_llama(path, layers=3)
    assert with_facts(discover([path.parent], only=True)) != first
    assert len(read) == 2


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"version": 1, "files": 7}', '{"version": 1, "files": {"%s": {"stamp": [], "facts": 1}}}'],
)
def test_a_spoilt_cache_is_read_over(person: Path, home: Path, text: str) -> None:
    path = write_llama(person / "models" / "story.gguf")
    expected = with_facts(discover([path.parent], only=True))
    kept = home / "cache" / "models.json"
    kept.write_text(text.replace("%s", str(path)))
    assert with_facts(discover([path.parent], only=True)) == expected

    data = json.loads(kept.read_text())
    data["files"][str(path)]["facts"]["context"] = "lots"
    kept.write_text(json.dumps(data))
    assert with_facts(discover([path.parent], only=True)) == expected


def test_a_search_can_be_stopped(person: Path) -> None:
    write_llama(person / "models" / "story.gguf")

    assert discover([person / "models"], only=True, cancelled=lambda: True).models == ()

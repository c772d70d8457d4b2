"""M11: a model in several GGUF files is trained through as the one file it was."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from kobold_modules.errors import NoModel, OutOfDisk
from kobold_modules.models.find import resolve
from kobold_modules.models.headers.gguf import read_gguf_header
from kobold_modules.models.headers.joined_gguf import joined
from kobold_modules.paths import cache_dir
from tests.models.gguf_surgery import rewrite, split
from tests.models.small_gguf import write_llama


@pytest.fixture
def parts(tmp_path: Path, stories: Path) -> list[Path]:
    return split(stories / "stories260K-F32.gguf", tmp_path / "parts", 3)


def test_joined_it_holds_every_tensor_and_setting_of_the_unsplit_file(parts: list[Path], stories: Path) -> None:
    import gguf

    whole = gguf.GGUFReader(stories / "stories260K-F32.gguf")
    with joined(tuple(parts)) as path:
        got = gguf.GGUFReader(path)
        assert {t.name: hashlib.sha256(t.data.tobytes()).hexdigest() for t in got.tensors} == {
            t.name: hashlib.sha256(t.data.tobytes()).hexdigest() for t in whole.tensors
        }
        for key, value in whole.fields.items():
            if not key.startswith("GGUF."):
                assert got.fields[key].contents() == value.contents(), key
        assert read_gguf_header(path).architecture == "llama"
    assert not path.exists()
    assert list(cache_dir().iterdir()) == []


def test_a_model_in_one_file_is_left_where_it_is(stories: Path) -> None:
    with joined((stories / "stories260K-F32.gguf",)) as path:
        assert path == stories / "stories260K-F32.gguf"


def test_facts_and_fingerprint_are_those_of_the_unsplit_file(parts: list[Path], stories: Path) -> None:
    from kobold_modules.soft_prompt.fingerprint import Fit

    one, several = resolve(str(stories / "stories260K-F32.gguf")), resolve(str(parts[1]))

    assert several.path == parts[0]
    assert several.facts.parameters == one.facts.parameters
    assert (several.facts.no_write, several.facts.no_train) == ("", "")
    assert one.fingerprint.fit(several.fingerprint) is Fit.SAME


def test_the_same_loss_and_gradient_as_the_unsplit_file(parts: list[Path], stories: Path) -> None:
    import torch

    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.forward.prompt_loss import PromptLoss

    found = []
    for path in (stories / "stories260K-F32.gguf", parts[0]):
        frozen = load_torch_model(resolve(str(path)), "cpu")
        prompt = frozen.table[5:13].float().clone().requires_grad_(True)
        ids = torch.tensor([frozen.encode("Once upon a time there was a little dog who went out.")])
        loss = PromptLoss(frozen)(prompt, ids)
        loss.sum().backward()
        found.append((float(loss.detach().sum()), prompt.grad))

    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-4, atol=1e-6)


def test_tensors_that_stand_twice_are_refused(tmp_path: Path) -> None:
    first, second = (write_llama(tmp_path / f"m-{n:05d}-of-00002.gguf") for n in (1, 2))

    with pytest.raises(NoModel, match="twice"), joined((first, second)):
        pass


def test_a_full_disk_is_seen_first(parts: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))

    with pytest.raises(OutOfDisk, match="several parts, which are joined"), joined(tuple(parts)):
        pass


def test_settings_that_stand_in_a_later_part_are_read(tmp_path: Path, stories: Path) -> None:
    """Factors of the rotary frequencies travel as a tensor, which may lie in any part."""
    import numpy as np

    from kobold_modules.models.headers.gguf_settings import read_settings

    grown = rewrite(
        stories / "stories260K-F32.gguf",
        tmp_path / "rope.gguf",
        weights=lambda all_of_it: [*all_of_it, ("rope_freqs.weight", (4,), 0, np.ones(4, np.float32).tobytes())],
    )
    first, *others = split(grown, tmp_path / "parts", 2)

    assert "rope_freqs.weight" not in read_settings(first).vectors
    assert read_settings(first, *others).vectors["rope_freqs.weight"].tolist() == [1, 1, 1, 1]

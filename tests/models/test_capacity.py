"""Whether a model fits: the arithmetic, the sentences, and the refusal before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.errors import OutOfMemory
from kobold_modules.models import capacity
from kobold_modules.models.capacity import can_train, can_write, check_folder_room, check_room, to_train, to_write
from kobold_modules.models.facts import Facts, facts_of_gguf
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.system_memory import Gpu, SystemMemory
from tests.backends import tiny_folder
from tests.models.small_gguf import write_llama


GB = 10**9
# Mistral 7B as Q4_K_M
SEVEN = Facts("llama", "Q4_K_M", 4_370_000_000, 1, 7_248_000_000, 32768, 32, 4096, 14336, 32768, 65536)


@pytest.fixture(autouse=True)
def no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "torch_sees_cards", lambda: False)
    monkeypatch.setattr(capacity, "offloads", lambda: False)


def test_writing_needs_the_file_the_cache_and_some_room() -> None:
    need = to_write(SEVEN)

    assert need.weights == SEVEN.bytes
    assert need.cache == 4096 * 65536 * 2  # 512 MiB: 32 layers x 8 heads x 128 x (key + value) x 2 bytes x 4096
    assert 50 * 10**6 < need.compute < 400 * 10**6
    assert to_write(SEVEN, 32768).cache == 8 * need.cache
    assert to_write(SEVEN, 10**9).cache == to_write(SEVEN, 32768).cache  # never more than it was trained for


def test_a_folder_is_written_with_through_torch() -> None:
    folder = Facts("qwen3", "BF16", 2 * GB, 1, GB, 4096, 10, 100, 100, 1000, 1000, kind="hf")

    verdict = can_write(folder, SystemMemory(32 * GB, 24 * GB))

    assert verdict.needs == 4 * GB + 4 * 4096 * 1000 + 700 * 10**6


def test_training_needs_every_weight_unpacked() -> None:
    assert to_train(SEVEN).weights == 4 * SEVEN.parameters
    assert to_train(SEVEN, gpu=True).weights == 2 * SEVEN.parameters
    assert to_train(SEVEN, row=512).total > to_train(SEVEN).total


@pytest.mark.parametrize(
    ("free", "total", "can", "sentence"),
    [
        (24, 32, "yes", "Needs 5.1 GB of the 24 GB free memory."),
        (4, 32, "tight", "Needs 5.1 GB, and 4 GB of memory is free now: close other programs first."),
        (3, 4, "no", "Needs 5.1 GB, and this machine has 4 GB of memory."),
    ],
)
def test_the_verdict_is_a_sentence(free: int, total: int, can: str, sentence: str) -> None:
    verdict = can_write(SEVEN, SystemMemory(total * GB, free * GB))

    assert (verdict.can, verdict.sentence) == (can, sentence)


def test_a_machine_that_says_nothing_is_given_the_benefit() -> None:
    assert can_write(SEVEN, SystemMemory(0, 0)).can == "yes"


def test_reasons_come_before_numbers() -> None:
    verdict = can_train(Facts("glm4", no_train="transformers does not read it"), SystemMemory(32 * GB, 24 * GB))

    assert (verdict.can, verdict.sentence) == ("no", "Transformers does not read it.")
    assert (
        can_train(Facts("gemma3n", no_modules="x cannot take modules: y."), SystemMemory(9 * GB, 9 * GB)).sentence
        == "Y."
    )


def test_a_card_is_used_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    here = SystemMemory(32 * GB, 24 * GB, (Gpu("RTX 4090", 24 * GB, 23 * GB), Gpu("GT 710", GB, GB)))
    assert can_train(SEVEN, here).where == "memory"

    monkeypatch.setattr(capacity, "torch_sees_cards", lambda: True)
    monkeypatch.setattr(capacity, "offloads", lambda: True)

    assert can_train(SEVEN, here).where == "RTX 4090"
    assert can_train(SEVEN, here).can == "yes"
    assert can_write(SEVEN, here).where == "RTX 4090"


def test_what_is_larger_than_the_card_streams_or_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "torch_sees_cards", lambda: True)
    small = Gpu("RTX 3060", 12 * GB, 11 * GB)

    streamed = can_train(SEVEN, SystemMemory(32 * GB, 24 * GB, (small,)))
    shared = can_train(SEVEN, SystemMemory(32 * GB, 24 * GB, (small, small)))
    neither = can_train(SEVEN, SystemMemory(8 * GB, 6 * GB, (small,)))

    assert (streamed.can, streamed.where) == ("yes", "memory")
    assert "stream by" in streamed.sentence
    assert (shared.can, "2 cards" in shared.sentence) == ("yes", True)
    assert neither.can == "no"


def test_loading_what_cannot_fit_is_refused_before_it_is_read(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(ModelFile.at(starter))
    check_room(ModelFile.at(starter), here=SystemMemory(0, 0))
    with pytest.raises(OutOfMemory, match=r"starter\.gguf needs \d+ MB of memory .* and 10 MB is free\.") as error:
        check_room(ModelFile.at(starter), here=SystemMemory(GB, 10**7))
    assert "smaller quantisation" in error.value.hint
    monkeypatch.setenv("KOBOLD_MODULES_ANY_SIZE", "1")
    check_room(ModelFile.at(starter), here=SystemMemory(GB, 10**7))


def test_a_folder_that_does_not_fit_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = resolve(str(tiny_folder.write(tmp_path / "tiny")))
    small_card, large_card = (Gpu("RTX 3060", 12 * GB, free) for free in (10**7, 12 * GB))

    check_folder_room(file, here=SystemMemory(10 * GB, 10 * GB))
    check_folder_room(file, here=SystemMemory(0, 0))
    with pytest.raises(OutOfMemory, match=r"tiny needs \d+ MB of memory, and 10 MB is free\.") as error:
        check_folder_room(file, here=SystemMemory(GB, 10**7))
    assert "GGUF" in error.value.hint

    monkeypatch.setattr(capacity, "torch_sees_cards", lambda: True)
    check_folder_room(file, here=SystemMemory(GB, 10**7, (large_card,)))
    with pytest.raises(OutOfMemory, match="of memory on RTX 3060, and 10 MB is free"):
        check_folder_room(file, here=SystemMemory(10 * GB, 10 * GB, (small_card,)))
    with pytest.raises(OutOfMemory, match="of memory, and"):
        check_folder_room(file, device="cpu", here=SystemMemory(GB, 10**7, (large_card,)))
    monkeypatch.setenv("KOBOLD_MODULES_ANY_SIZE", "1")
    check_folder_room(file, here=SystemMemory(GB, 10**7))


def test_a_file_that_cannot_be_read_is_left_to_llama_cpp(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF")

    check_room(ModelFile.at(tmp_path / "x.gguf"), here=SystemMemory(GB, 1))


def test_the_command_line_ends_with_6(
    starter: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(capacity, "room", lambda gpus=True: SystemMemory(GB, 10**7))

    code = main(["generate", "--prompt", "It was", "--max-tokens", "1"])

    assert code == 6
    assert "needs" in capsys.readouterr().err


def test_the_estimate_is_near_what_writing_takes(starter: Path) -> None:
    """The buffers llama.cpp allocates for the starter, by its own account, are within the estimate."""
    need = to_write(facts_of_gguf(starter))

    assert starter.stat().st_size + 1024 * 5 * 2 * 320 * 2 <= need.total <= starter.stat().st_size + 120 * 10**6


def test_a_long_context_is_named_as_a_way_out(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "x.gguf", more={"llama.block_count": 80, "llama.context_length": 2**20})

    with pytest.raises(OutOfMemory) as error:
        check_room(ModelFile.at(path), context=2**20, here=SystemMemory(GB, 10**8))
    assert "smaller context" in error.value.hint

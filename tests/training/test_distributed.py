"""Two processes take the steps that one would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kobold_modules.errors import BadUsage
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.distributed import World
from tests.tiny import tiny


STEPS, ROWS, RATE = 6, 5, 0.01  # an odd number of rows: the shares differ
ROOT = Path(__file__).resolve().parents[2]


def train(world: World) -> torch.Tensor:
    """Take a few Adam steps of a prompt on a tiny model; float64, so that only mistakes show."""
    frozen = tiny("gpt2", torch.float64)
    loss = PromptLoss(frozen)
    start = frozen.table[5:12].clone() * (1.3 + world.rank)  # what a process starts with does not count
    prompt = world.same(start).requires_grad_(True)
    optimiser = torch.optim.Adam([prompt], lr=RATE)
    generator = torch.Generator().manual_seed(1)
    for step in range(STEPS):
        batch = torch.randint(97, (ROWS, 20), generator=generator)
        mine = world.share(batch)
        value = loss(prompt, mine)
        (gradient,) = torch.autograd.grad(value, prompt)
        gradient, value = world.mean(gradient, value.detach(), mine[:, 1:].numel())
        prompt.grad = gradient
        optimiser.step()
        assert world.any(world.rank == 1 and step == 3) == (world.size > 1 and step == 3)
    assert world.number(float(world.rank + 7)) == 7.0
    assert world.same_bytes(b"" if world.rank else b"what the first one knows") == b"what the first one knows"
    assert world.same_bytes(b"not sent" if world.rank else b"") == b""
    return prompt.detach()


def in_two_processes(program: str, folder: Path) -> str:
    """Run ``program``, which has a ``world`` and a ``folder``, under torchrun; returns what was printed.

    Torchrun finds a port and keeps it: one that was free a moment ago may be somebody's by now. At its end the group
    must be gone, for with it go gloo's threads, and one that outlives the interpreter aborts it.
    """
    path = folder / "program.py"
    path.write_text(
        "import sys, torch, weakref\n"
        "from kobold_modules.training.distributed import World\n"
        "world, folder = World.detect('cpu'), sys.argv[1]\n"
        "group = weakref.ref(torch.distributed.group.WORLD)\n"
        f"{program}\n"
        "assert group() is None\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(path), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_alone_nothing_changes() -> None:
    world = World.detect()
    rows, gradient, loss = torch.arange(12).view(4, 3), torch.randn(2, 2), torch.tensor(1.5)

    assert (world.rank, world.size, world.first) == (0, 1, True)
    assert torch.equal(world.share(rows), rows)
    assert world.mean(gradient, loss, 7) == (gradient, loss)
    assert world.same(gradient) is gradient
    assert world.same_bytes(b"mine") == b"mine"
    assert world.any(True)
    assert not world.any(False)
    world.leave()


def test_every_row_is_somebodys() -> None:
    rows = torch.arange(7)

    assert torch.equal(torch.cat([World(rank, 3).share(rows) for rank in range(3)]), rows)
    with pytest.raises(BadUsage, match="3 processes want some"):
        World(0, 3).share(rows[:2])


def test_a_start_without_a_rank_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)

    with pytest.raises(BadUsage, match="RANK"):
        World.detect("cpu")


@pytest.mark.slow
def test_two_processes_train_what_one_would(tmp_path: Path) -> None:
    in_two_processes(
        "from tests.training.test_distributed import train\n"
        "torch.save(train(world), f'{folder}/{world.rank}.pt')\n"
        "world.leave()",
        tmp_path,
    )
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    alone = train(World())

    assert torch.equal(first, second)  # nobody drifts away from the others
    assert torch.allclose(first, alone, rtol=1e-9, atol=1e-12)
    assert not torch.allclose(alone, tiny("gpt2", torch.float64).table[5:12] * 1.3, rtol=1e-2)


@pytest.mark.slow
def test_a_training_that_fails_leaves_its_group_as_well(tmp_path: Path) -> None:
    """Its sentence was said, and then gloo's threads could abort the interpreter."""
    printed = in_two_processes(
        "from kobold_modules.errors import KoboldModulesError\n"
        "from kobold_modules.training import TrainingRequest, train\n"
        "try:\n"
        "    list(train(TrainingRequest((f'{folder}/nowhere.txt',), 'x', device='cpu', library=False)))\n"
        "except KoboldModulesError as error:\n"
        "    print(error.message)",
        tmp_path,
    )
    assert printed.count("nowhere.txt") == 2

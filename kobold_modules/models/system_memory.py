"""The memory of this machine: how much there is, and how much is free now.

Asked of the system without importing torch or llama.cpp, which would take seconds and memory of their own. psutil knows
every system; a limit that a container sets, of which it does not know, counts as the machine's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics card, in bytes."""

    name: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class SystemMemory:
    """Main memory and graphics cards, in bytes. All 0: the system would not say."""

    total: int
    free: int
    gpus: tuple[Gpu, ...] = ()

    @property
    def known(self) -> bool:
        return self.total > 0

    @property
    def gpu(self) -> Gpu | None:
        """The card with the most free memory."""
        return max(self.gpus, key=lambda gpu: gpu.free, default=None)


def room(gpus: bool = True) -> SystemMemory:
    """Return the memory there is. Asking for graphics cards starts nvidia-smi where it is installed (0.1 s)."""
    total, free = _main()
    return SystemMemory(total, min(free, total), _cards() if gpus else ())


def _main() -> tuple[int, int]:
    import psutil

    try:
        memory = psutil.virtual_memory()
    except (psutil.Error, OSError, RuntimeError, ValueError):
        return 0, 0
    total, free = int(memory.total), int(memory.available)
    for limit, used in (_limit(group) for group in _control_groups()) if sys.platform == "linux" else ():
        if 0 < limit < 2**60:
            total, free = min(total, limit), min(free, max(0, limit - used))
    return total, free


def _control_groups() -> list[Path]:
    """Return the folders of the control groups this process is in, outermost last."""
    root, found = Path("/sys/fs/cgroup"), []
    try:
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, names, path = line.split(":", 2)
            if names in ("", "memory"):
                base = root / names if names else root
                here = base / path.lstrip("/")
                found += [here, *(parent for parent in here.parents if parent.is_relative_to(base))]
    except (OSError, ValueError):
        return [root]
    return found or [root]


def _limit(group: Path) -> tuple[int, int]:
    """Return ``(limit, used)`` of a control group, 0 where it has none. Its file cache counts as free."""
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            said = (group / limit).read_text(encoding="ascii").strip()
            if said == "max":
                return 0, 0
            stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
            taken = int((group / used).read_text(encoding="ascii")) - int(stat.get(cache, 0))
            return int(said), max(0, taken)
        except (OSError, ValueError):
            continue
    return 0, 0


def _cards() -> tuple[Gpu, ...]:
    if shutil.which("nvidia-smi") is None:
        return ()
    try:
        said = _said("nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits")
        return read_cards(said, os.environ.get("CUDA_VISIBLE_DEVICES"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()


def read_cards(said: str, visible: str | None = None) -> tuple[Gpu, ...]:
    """Read cards out of nvidia-smi's lines (MiB), those that ``visible`` (CUDA_VISIBLE_DEVICES) lets programs see."""
    cards = []
    for line in said.strip().splitlines():
        name, total, free = (part.strip() for part in line.rsplit(",", 2))
        cards.append(Gpu(name, int(total) * 2**20, int(free) * 2**20))
    if visible is None:
        return tuple(cards)
    wanted = [int(part) for part in visible.split(",") if part.strip().isdigit()]
    return tuple(cards[index] for index in wanted if index < len(cards))


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True, stdin=subprocess.DEVNULL)
    return done.stdout

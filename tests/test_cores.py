"""Cores are counted as a container grants them, not as it shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kobold_modules.cores import keep_to_what_is_granted, usable_cores


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show sixteen cores, and ask for no number of threads."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)


def system(root: Path, groups: str, **files: str) -> Path:
    """Write ``proc/self/cgroup`` and files of control groups, by their paths with ``__`` for a slash."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("_max", ".max").replace("cfs", ".cfs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("quota", "count"), [("200000 100000", 2), ("150000 100000", 2), ("max 100000", 16), ("5000000 100000", 16)]
)
def test_a_container_of_today_says_what_it_grants(tmp_path: Path, quota: str, count: int) -> None:
    assert usable_cores(system(tmp_path, "0::/\n", cpu_max=quota)) == count


def test_the_narrowest_group_around_it_counts(tmp_path: Path) -> None:
    root = system(
        tmp_path,
        "0::/pods/one\n",
        cpu_max="max 100000",
        pods__cpu_max="300000 100000",
        pods__one__cpu_max="800000 100000",
    )
    assert usable_cores(root) == 3


def test_an_older_container_says_it_in_two_files(tmp_path: Path) -> None:
    groups = "5:memory:/a\n4:cpu,cpuacct:/a\n"
    files = {"cpu__a__cpucfs_quota_us": "400000\n", "cpu__a__cpucfs_period_us": "100000\n"}
    assert usable_cores(system(tmp_path / "limited", groups, **files)) == 4
    assert usable_cores(system(tmp_path / "free", groups, **(files | {"cpu__a__cpucfs_quota_us": "-1"}))) == 16


@pytest.mark.parametrize("quota", ["", "0 0", "200000", "-1 100000", "many few", "200000 0"])
def test_what_makes_no_sense_limits_nothing(tmp_path: Path, quota: str) -> None:
    assert usable_cores(system(tmp_path / "a", "0::/\n", cpu_max=quota)) == 16
    assert usable_cores(system(tmp_path / "b", "nonsense\n", cpu_max=quota)) == 16
    assert usable_cores(tmp_path / "nowhere") == 16


def test_a_number_that_was_asked_for_counts_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system(tmp_path, "0::/\n", cpu_max="200000 100000")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert usable_cores(root) == 7
    keep_to_what_is_granted(root)
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_openmp_is_told_where_less_is_granted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    keep_to_what_is_granted(system(tmp_path / "free", "0::/\n", cpu_max="max 100000"))
    assert os.environ == {}
    keep_to_what_is_granted(system(tmp_path / "limited", "0::/\n", cpu_max="200000 100000"))
    assert os.environ == {"OMP_NUM_THREADS": "2"}

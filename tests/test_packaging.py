"""What pyproject says is what the tree holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version


ROOT = Path(__file__).resolve().parents[1]


def setup() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        tables: dict[str, object] = tomllib.load(file)["tool"]["setuptools"]
    return tables


def test_every_folder_of_code_is_in_the_list_of_packages() -> None:
    folders = {path.parent for place in ("kobold_modules", "tui") for path in (ROOT / place).rglob("*.py")}
    found = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    found = {name if name.startswith("kobold_modules") else f"kobold_modules.{name}" for name in found}

    assert found | {"kobold_modules.sample_texts"} == set(setup()["packages"])  # type: ignore[call-overload]


def test_every_data_file_is_matched_by_package_data() -> None:
    patterns: dict[str, list[str]] = setup()["package-data"]  # type: ignore[assignment]
    places = {"kobold_modules.tui": ROOT / "tui", "kobold_modules.sample_texts": ROOT / "sample_texts"}
    shipped: set[Path] = set()
    for package, globs in patterns.items():
        folder = places.get(package, ROOT / Path(*package.split(".")))
        if package.startswith("kobold_modules.tui."):
            folder = ROOT / "tui" / Path(*package.split(".")[2:])
        shipped |= {path for glob in globs for path in folder.glob(glob)}
    present = {path for place in ("kobold_modules", "tui", "sample_texts") for path in (ROOT / place).rglob("*")}
    data = {
        p
        for p in present
        if p.is_file()
        and p.suffix not in (".py", ".pyc")
        and not any(part.startswith((".", "__")) for part in p.relative_to(ROOT).parts)
    }

    assert data == shipped


def test_the_starter_is_small_enough_for_the_wheel(starter: Path) -> None:
    assert starter.stat().st_size <= 24 * 1024 * 1024


def test_torch_is_capped_at_the_tested_release() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]

    assert "torch>=2.6,<2.14" in dependencies


def requirements() -> dict[str, Requirement]:
    """Return what the package and its tests need; mypy, ruff and import-linter run nothing of it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]
    return {need.name: need for need in wanted if need.name not in ("mypy", "ruff", "import-linter")}


def pinned(name: str) -> dict[str, Version]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {package: Version(version) for package, version in pins}


def test_the_lowest_releases_that_are_tested_are_those_that_are_allowed() -> None:
    lowest = {
        name: next(Version(each.version) for each in need.specifier if each.operator in (">=", "=="))
        for name, need in requirements().items()
    }
    torch = lowest.pop("torch")

    assert pinned("constraints-lowest.txt") == lowest
    assert torch == Version("2.6")  # as CONTRIBUTING.md says


def test_the_releases_that_were_tested_are_allowed_ones() -> None:
    tested = pinned("constraints.txt")
    assert all(tested[name] in need.specifier for name, need in requirements().items())

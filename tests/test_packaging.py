"""What pyproject says is what the tree holds."""

from __future__ import annotations

import tomllib
from pathlib import Path


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
            folder = ROOT / "tui" / package.rsplit(".", 1)[1]
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

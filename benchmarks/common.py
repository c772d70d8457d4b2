"""What the benchmark scripts share: their options, the machine's name, and a result that is both printed and kept."""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


RESULTS = Path(__file__).parent / "results"
SHARED = Path(__file__).resolve().parents[2] / "shared"


def benchmark_parser(description: str | None, quick: str) -> argparse.ArgumentParser:
    """Return a parser that prints the script's docstring as it stands, with --quick; ``quick`` says what that does."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "i8mm")  # those that decide a speed


def machine() -> dict[str, Any]:
    """Describe the machine, so that it is clear where a number comes from: processors of one name differ."""
    about = {"model name": platform.processor(), "flags": "", "Features": ""}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        about |= {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    except OSError:
        pass
    able = (about["flags"] or about["Features"]).split()
    packages = ("torch", "transformers", "llama-cpp-python")
    return {
        "processor": about["model name"],
        "instructions": " ".join(name for name in INSTRUCTIONS if name in able),
        "cores": os.cpu_count(),
        **{package: version(package) for package in packages},
    }


def keep(name: str, settings: dict[str, Any], result: dict[str, Any], quick: bool) -> None:
    """Write ``results/NAME.json`` (not for --quick) and print ``result`` as the last line."""
    record = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "settings": settings,
        "result": result,
    }
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(result))

"""Sizes of files and memory, written one way everywhere."""

from __future__ import annotations


UNITS = ("KB", "MB", "GB", "TB")
TENTHS_BELOW = {"KB": 0.0, "MB": 10.0, "GB": 100.0, "TB": 100.0}


def byte_size(count: float) -> str:
    """Return ``count`` bytes in decimal units: ``812 bytes``, ``28 KB``, ``1.4 MB``, ``950 MB``, ``4.4 GB``."""
    whole = round(count)
    if abs(whole) < 1000:
        return "1 byte" if whole == 1 else f"{whole} bytes"
    value = count / 1000
    for unit in UNITS:
        if abs(value) < 999.5 or unit == UNITS[-1]:
            break
        value /= 1000
    said = f"{value:.1f}" if round(abs(value), 1) < TENTHS_BELOW[unit] else f"{value:,.0f}"
    return f"{said.removesuffix('.0')} {unit}"

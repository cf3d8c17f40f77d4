"""Sizes as people write and read them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?i?b?)\Z", re.IGNORECASE | re.ASCII)


def parse_size(text: str) -> int | None:
    """Bytes of ``104857600``, ``100MiB`` or ``1.5 GB``; None where it is no size."""
    match = _SIZE.match(text.strip())
    scale = _UNITS.get(match[2].lower()) if match else None
    return None if match is None or scale is None else int(float(match[1]) * scale)


def show_size(size_bytes: float) -> str:
    """A size in the largest unit that leaves a number of at least one."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "bytes" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} TiB"

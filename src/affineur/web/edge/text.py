"""How nginx's configuration is written: quoted values, blocks, maps. What it says: `web.edge.configuration`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def quoted(value: str) -> str:
    """``value`` as one parameter. Backslashes stay, so that regular expressions can be read as written."""
    return '"' + value.replace('"', '\\"') + '"'


def block(head: str, lines: Iterable[str]) -> list[str]:
    """``head { … }``, its lines indented."""
    return [f"{head} {{", *(f"    {line}" for line in lines), "}"]


def map_of(source: str, target: str, default: str, values: Mapping[str, str]) -> list[str]:
    """A ``map``: ``target`` is the value whose key fits ``source``. Keys that start with ``~`` are tried in order."""
    lines = [f"default {quoted(default)};", *(f"{quoted(key)} {quoted(value)};" for key, value in values.items())]
    return block(f"map {quoted(source)} {target}", lines)

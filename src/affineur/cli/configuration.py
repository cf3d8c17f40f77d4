"""Settings as `affineur config` shows them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import sqlalchemy as sa

from affineur.settings import ENVIRONMENT_PREFIX, Loaded, describe


def rows(loaded: Loaded) -> list[dict[str, object]]:
    """Every setting with value, source, default, kind, variable and text. Secrets and passwords in URLs are hidden."""
    return [
        {
            "name": name,
            "value": _shown(name, getattr(loaded.settings, name)),
            "source": loaded.sources[name],
            "default": _shown(name, default),
            "kind": kind,
            "variable": ENVIRONMENT_PREFIX + name.upper(),
            "doc": doc,
        }
        for name, kind, default, doc in describe()
    ]


def show(found: list[dict[str, object]]) -> str:
    """The settings as text, each with its value, source and doc."""
    blocks = []
    for row in found:
        source = "default" if row["source"] == "default" else f"from {row['source']}; default: {_text(row['default'])}"
        doc = textwrap.fill(str(row["doc"]), 100, initial_indent="    ", subsequent_indent="    ")
        blocks.append(f"{row['name']} = {_text(row['value'])}    ({source})\n{doc}")
    return "\n".join(blocks)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _shown(name: str, value: object) -> object:
    if name.endswith("_secret") and value:
        return "***"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str) and "://" in value and "@" in value:
        return sa.make_url(value).render_as_string(hide_password=True)
    return value

"""A letter's text as blocks, and the blocks as plain text. The HTML form is made of the same blocks.

A letter is written once, as text with four kinds of block, divided by empty lines: a paragraph; a list, each line
of which begins with ``- ``; a quotation, each line of which begins with ``> ``; and an address alone on its line.
What does not live here: where values come from and how HTML is written (`rendering`).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

WIDTH = 72
"""Columns of the plain form: it still fits 80 when it is quoted twice in answers."""

_BETWEEN = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """One block; a paragraph has one line, a list one for each entry, without their marks."""

    kind: Literal["paragraph", "list", "quote", "link"]
    lines: tuple[str, ...]


def blocks(text: str, address: str) -> Iterator[Block]:
    """The blocks of ``text``. Only what begins with ``address``, the index's own, becomes a link."""
    for part in _BETWEEN.split(text.strip()):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        if not lines:
            continue
        if all(line.startswith("> ") or line == ">" for line in lines):
            yield Block("quote", tuple(line[2:] for line in lines))
        elif all(line.startswith("- ") for line in lines):
            yield Block("list", tuple(line[2:] for line in lines))
        elif len(lines) == 1 and lines[0].startswith(address) and " " not in lines[0]:
            yield Block("link", tuple(lines))
        else:
            yield Block("paragraph", (" ".join(lines),))


def as_text(found: Iterable[Block]) -> str:
    """The blocks as plain text, wrapped at `WIDTH`; addresses are never broken."""
    return "\n\n".join(_text(block) for block in found) + "\n"


def _text(block: Block) -> str:
    match block.kind:
        case "link":
            return block.lines[0]
        case "list":
            return "\n".join(_wrapped(line, "- ", "  ") for line in block.lines)
        case "quote":
            return "\n".join(_wrapped(line, "> ", "> ") if line else ">" for line in block.lines)
        case "paragraph":
            return _wrapped(block.lines[0], "", "")


def _wrapped(line: str, first: str, following: str) -> str:
    return textwrap.fill(
        line, WIDTH, initial_indent=first, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )

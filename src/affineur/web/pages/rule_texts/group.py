"""The shape of a group of rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Rules about one thing; ``rules`` are pairs of id and text."""

    title: str
    about: str
    rules: tuple[tuple[str, str], ...]

"""How long work tells how far it is: a function that whoever shows it hands down."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str, int, int | None], object]
"""Told the name of a step, how much of it is done, and how much there is (None where that is not known)."""


def tell_nobody(_step: str, _done: int, _total: int | None) -> None:
    """For work that nobody watches."""

"""What commands about downloads share: the index with its statistics, and numbers as people say them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from affineur.shell.index import Index


@contextmanager
def statistics_of(data: Path | None, config: Path | None) -> Iterator[Index]:
    """The index, closed afterwards; ends the program where its statistics cannot be reached."""
    from affineur.shell.lake.port import LakeAway

    from .start import EXIT_NOT_READY, fail, open_existing

    index = open_existing(data, config)
    try:
        yield index
    except LakeAway as away:
        fail(f"The statistics cannot be reached: {away}", EXIT_NOT_READY)
    finally:
        index.close()


def counted(many: int, word: str) -> str:
    """``1 download``, ``2 downloads``."""
    return f"{many:,} {word}{'' if many == 1 else 's'}"

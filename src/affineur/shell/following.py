"""What a mirror remembers of the index it follows, in ``following.json`` of its data folder.

The journal itself is in the database; here stands whose it is, and why following stopped, where it did.
What does not live here: following (`projections.copying`, `projections.watching`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import orjson

from affineur.core.decision import Decision, refuse
from affineur.settings import Settings

Kind = Literal["journal", "simple"]

FILE_NAME = "following.json"


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why following stopped: the rule, the sentence, and when it was found."""

    rule: str
    sentence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Following:
    """What is followed. ``kind`` and ``origin`` are None until it has answered for the first time.

    ``heard_at`` is when it last told us all it had; ``head`` is the serial that its journal had then. ``trouble`` is
    what goes wrong at the moment and is tried again.
    """

    url: str
    kind: Kind | None = None
    origin: str | None = None
    head: int = 0
    heard_at: datetime | None = None
    stopped: Stopped | None = None
    trouble: str | None = None


def recall(settings: Settings) -> Following | None:
    """What this data folder follows; None where it is an index of its own. Cost: a look for a file."""
    try:
        with open(settings.data / FILE_NAME, "rb") as stream:
            body = stream.read()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(body, type=Following)


def is_mirror(settings: Settings) -> bool:
    """Whether the public tree of this data folder is filled by following, not from rows."""
    return bool(followed_url(settings))


def require_rows(settings: Settings) -> None:
    """`Refused` (``follow.no-rows``) for what is derived from rows, where this is a mirror, which has none."""
    if is_mirror(settings):
        refuse(
            "follow.no-rows",
            "This is a mirror: what it shows comes from its origin, and cannot be derived here.",
            "Ask at the origin; to have the mirror anew, follow into an empty data folder.",
        )


def followed_url(settings: Settings) -> str:
    """The address that is followed; empty where this is an index of its own."""
    if settings.follows:
        return settings.follows
    found = recall(settings)
    return found.url if found else ""


def remember(settings: Settings, following: Following) -> None:
    """Write it down, whole or not at all, and durable."""
    path = settings.data / FILE_NAME
    fresh = Path(f"{path}.{os.getpid()}.new")
    with open(fresh, "wb", buffering=0) as stream:
        stream.write(orjson.dumps(asdict(following), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        os.fsync(stream.fileno())
    os.replace(fresh, path)


def stopped_by(decision: Decision, now: datetime | None = None) -> Stopped:
    """``decision`` as the reason why following stopped."""
    return Stopped(decision.rule, decision.sentence, now or datetime.now(UTC))


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Make sure that nobody else follows into this data folder. `Refused` (``follow.running``) where somebody does."""
    folder = settings.data / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "follow.lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            refuse(
                "follow.running",
                f"{settings.data} is being filled by another process already.",
                "`affineur follow --status` says how far it is.",
            )
        yield

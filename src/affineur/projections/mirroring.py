"""Being a mirror: what is followed and how is found out once, remembered, and gone on with after every start.

What does not live here: following by a journal (`copying`), and by comparing pages (`watching`).
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace

from affineur.core.decision import Decision, Refused, deny, refuse
from affineur.shell import following
from affineur.shell.following import Following
from affineur.shell.index import Index
from affineur.shell.store import copies, journal
from affineur.shell.upstream.journal import JournalIndex, base_of
from affineur.shell.upstream.offers import UpstreamAway
from affineur.shell.upstream.watched import WatchedIndex

from .copying import Copying
from .watching import Watching

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 5.0
"""Until somebody who may have to put things right is looked for again."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to follow. ``jobs`` pages or files are fetched at a time; ``poll_seconds`` is for an index without a journal;
    ``again`` goes on although following was stopped by something that must not be believed."""

    token: str | None = None
    jobs: int = 4
    poll_seconds: float = 60.0
    again: bool = False


def follow(index: Index, url: str, stop: threading.Event, manner: Manner, *, once: bool = False) -> Decision | None:
    """Keep the public tree of ``index`` equal to that of the index at ``url``, until ``stop`` is set.

    With ``once``, until everything that it has now is here. None, or the refusal that stopped following. `Refused`
    where this cannot be a mirror of it, `UpstreamAway` where it does not answer (with ``once``, or at first).
    """
    with following.alone(index.settings):
        state = _state(index, url)
        if state.stopped is not None:
            if not manner.again:
                return deny(state.stopped.rule, state.stopped.sentence)
            state = replace(state, stopped=None)
        if state.kind is None:
            state = replace(state, kind=_kind(state.url, manner.token))
        following.remember(index.settings, replace(state, trouble=None))
        if state.kind == "journal":
            copying = Copying(
                index, JournalIndex(state.url, manner.token, connections=manner.jobs + 2), state, manner.jobs
            )
            return copying.run(stop, once=once)
        origin = WatchedIndex(state.url, manner.token, connections=manner.jobs * 2)
        return Watching(index, origin, state, manner.jobs, manner.poll_seconds).run(stop, once=once)


def keep(index: Index, stop: threading.Event) -> None:
    """Follow, as the background work of a mirror that is served. Whatever stops it is said, and looked at again."""
    settings = index.settings
    manner = Manner(settings.follows_token or None)
    said = ""
    while not stop.is_set():
        try:
            refusal = follow(index, following.followed_url(settings), stop, manner)
            now = "" if refusal is None else refusal.sentence
        except Refused as refused:  # somebody follows by hand, or this cannot be a mirror
            now = refused.decision.sentence
        except UpstreamAway as error:
            now = str(error)
        except Exception:  # background work must outlive a database that is away for a moment
            log.exception("following failed; trying again")
            now = ""
        if now and now != said:
            log.warning("not following", extra={"reason": now})
        said = now
        stop.wait(_PAUSE_SECONDS)


def _state(index: Index, url: str) -> Following:
    """What is remembered, of this origin; at first, a new beginning."""
    with index.store.read() as connection:
        copies.require_no_rows(connection)
        head, _ = journal.head(connection)
    found = following.recall(index.settings)
    if found is None:
        if head:
            refuse(
                "follow.own-journal",
                "This index has a journal of its own, which another one cannot continue.",
                "Choose an empty data folder.",
            )
        return Following(url)
    if base_of(found.url) != base_of(url) and found.kind != "journal":
        refuse(
            "follow.other-origin",
            f"This data folder mirrors {found.url}, not {url}.",
            "Choose another data folder for another index.",
        )
    # An index with a journal proves by it that it is the same one, at whatever address.
    return replace(found, url=url)


def _kind(url: str, token: str | None) -> following.Kind:
    asked = JournalIndex(url, token)
    try:
        return "journal" if asked.has_journal() else "simple"
    finally:
        asked.close()

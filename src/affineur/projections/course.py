"""How following goes: what is remembered of it, what goes wrong, and whether it is over; and those who fetch pages.

What does not live here: what is followed, and how (`copying`, `watching`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from affineur.core.decision import Decision, Refused, deny
from affineur.core.names import NormalizedName
from affineur.settings import Settings
from affineur.shell import following
from affineur.shell.following import Following
from affineur.shell.upstream.fetching import Gone
from affineur.shell.upstream.offers import UpstreamAway

from .pending import Pending

log = logging.getLogger(__name__)

_GIVE_UP_SECONDS = 30.0
"""How long whoever waits for the end waits for what does not come."""
_LEAVE_BEHIND_SECONDS = 2.0
_LIES = frozenset({"upstream.digest", "upstream.size"})
"""Refusals of a file that is not what the page said: they stop following, as do those of `core.history.following`."""


class Course:
    """One run of following. Safe to share between threads; ``over`` is set when nothing more may be done."""

    def __init__(self, settings: Settings, state: Following) -> None:
        self._settings, self._state = settings, state
        self._written: Following | None = None
        self._troubles: dict[str, str] = {}
        self._guard = threading.Lock()
        self._progress = (-1, 0.0)
        self.pending = Pending()
        self.over = threading.Event()
        self.refusal: Decision | None = None

    @property
    def origin(self) -> str | None:
        """Whose journal is followed, once that is known."""
        return self._state.origin

    def heard(self, head: int, at: datetime | None) -> None:
        """The origin was read; ``at`` when that was, if it told all that it had."""
        with self._guard:
            self._state = replace(self._state, head=head, heard_at=at or self._state.heard_at)

    def learn_origin(self, origin: str) -> None:
        """Remember whose journal this is, durable: from now on it must be theirs."""
        with self._guard:
            self._state = replace(self._state, origin=origin)
        self.write_down()

    def note(self, subject: str, error: Exception) -> None:
        """Something went wrong: a lie stops everything, all else is said, and tried again."""
        said = str(error) or type(error).__name__
        if isinstance(error, Refused):
            told = error.decision
            said = told.sentence
            if told.rule in _LIES:
                self.refuse(deny("follow.digest", told.reason, *told.ways_out, **told.facts))
            elif told.rule.startswith("follow.") and told.rule != "follow.page":
                self.refuse(told)
        with self._guard:
            is_new = self._troubles.get(subject) != said
            self._troubles[subject] = said
        if is_new and not self.over.is_set():
            expected = isinstance(error, Refused | UpstreamAway | Gone)
            log.warning("following is held up", extra={"subject": subject, "reason": said}, exc_info=not expected)

    def fine(self, subject: str) -> None:
        """What went wrong with ``subject`` does no more."""
        with self._guard:
            self._troubles.pop(subject, None)

    def trouble(self, *subjects: str) -> str | None:
        """What goes wrong at the moment, with one of ``subjects`` or (where none is named) with anything."""
        with self._guard:
            found = (self._troubles.get(subject) for subject in subjects or tuple(self._troubles))
            return next((said for said in found if said), None)

    def require_progress(self, last: str) -> None:
        """`UpstreamAway` where for a while nothing was shown, and everything that is due was tried in vain.

        ``last`` is what comes when nothing is due any more.
        """
        now, shown_pages = time.monotonic(), self.pending.shown_pages
        if shown_pages != self._progress[0]:
            self._progress = (shown_pages, now)
        if now < self._progress[1] + _GIVE_UP_SECONDS:
            return
        waiting = self.pending.waiting()
        with self._guard:
            is_stuck = all(name in self._troubles for name in waiting)
        if is_stuck:
            what, why = ", ".join(waiting[:5]) or last, self.trouble(*waiting)
            raise UpstreamAway(f"{what} could not be had: {why or 'it stays behind the journal'}")
        self._progress = (shown_pages, now)

    def refuse(self, decision: Decision) -> None:
        """Stop following: from now on nothing is shown, and nothing read."""
        with self._guard:
            if self.refusal is not None:
                return
            self.refusal = decision
            self._state = replace(self._state, stopped=following.stopped_by(decision))
        log.error("following stopped", extra={"rule": decision.rule, "reason": decision.sentence})
        self.write_down()
        self.end()

    def end(self) -> None:
        """Let everybody who waits go."""
        self.over.set()
        self.pending.close()

    def may_show(self, name: str, serial: int) -> bool:
        """Whether a project's page of ``serial`` may be shown: no stop order is newer, and nothing was refused."""
        return serial >= self.pending.stopped_at(name) and not self.over.is_set()

    def write_down(self) -> None:
        """Remember how it goes, where that changed. A disk that is full must not stop it."""
        with suppress(OSError), self._guard:
            present = replace(self._state, trouble=next(iter(self._troubles.values()), None))
            if self._written != present:
                following.remember(self._settings, present)
                self._written = present

    def workers(
        self, jobs: int, spool: Path, bring_up: Callable[[NormalizedName, Path], int | None]
    ) -> list[threading.Thread]:
        """Threads that show what is due. ``bring_up`` shows a page; its serial, or None where it is not the time."""
        return [
            threading.Thread(
                target=self._work, args=(spool / str(number), bring_up), name=f"page {number}", daemon=True
            )
            for number in range(jobs)
        ]

    def wait_for(self, threads: list[threading.Thread]) -> None:
        """Wait a moment for threads to end. One that an origin holds is left behind: it shows nothing any more."""
        until = time.monotonic() + _LEAVE_BEHIND_SECONDS
        for each in threads:
            each.join(max(0.0, until - time.monotonic()))

    def _work(self, spool: Path, bring_up: Callable[[NormalizedName, Path], int | None]) -> None:
        spool.mkdir()
        while (name := self.pending.take()) is not None:
            try:
                shown = bring_up(NormalizedName(name), spool)
            except Exception as error:
                self.note(name, error)
                shown = None
            if shown is None:
                self.pending.again(name)
            else:
                self.fine(name)
                self.pending.shown(name, shown)

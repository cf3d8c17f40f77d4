"""End sessions: sign out, or put out a session from another one. Both take no further proof: they only protect."""

from __future__ import annotations

from affineur.core.access import Resource, may
from affineur.core.decision import refuse
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import outbox, security, sessions
from affineur.shell.store.emails import primary

from .beginning import place_of, public_id


def sign_out(index: Index, by: Caller, session_id: str) -> None:
    """End the session that the caller came with, in whatever stage it is."""
    with index.store.write() as connection:
        if sessions.end(connection, session_id):
            facts = {"session": public_id(session_id)}
            told = Happened("SignedOut", by.actor.account_id, by.actor.name, facts=facts)
            security.append(connection, by, told)


def end_session(index: Index, by: Caller, session: str) -> None:
    """End one of the caller's sessions, by its `public_id`. `Refused` (``session.exists``) where there is none."""
    own = may(by.actor, "manage-account", Resource(account_id=by.actor.account_id), by.now)
    own.require()
    with index.store.write() as connection:
        mine = sessions.listed(connection, by.actor.account_id or 0, by.now)
        found = next((row for row in mine if public_id(row.id) == session), None)
        if found is None:
            refuse("session.exists", "There is no such session any more.", "The list shows those that there are.")
        sessions.end(connection, found.id)
        facts = {"session": session, "began": found.created_at.isoformat()}
        security.append(connection, by, Happened("SessionEnded", by.actor.account_id, by.actor.name, facts=facts))


def end_others(index: Index, by: Caller, but: str | None) -> int:
    """End every session of the caller, but the one they came with (None: that too); how many."""
    may(by.actor, "manage-account", Resource(account_id=by.actor.account_id), by.now).require()
    key = by.actor.account_id or 0
    with index.store.write() as connection:
        ended = sessions.end_all(connection, key, but=but)
        if ended:
            told = Happened("SessionEnded", key, by.actor.name, facts={"all_others": True, "ended": ended})
            security.append(connection, by, told)
            address = primary(connection, key)
            if address is not None:
                note = f"You ended {ended} other {'session' if ended == 1 else 'sessions'} of your account."
                values = {"account": by.actor.name, "at": by.now, "note": note, "place": place_of(by.origin)}
                outbox.put(connection, by.now, address, "session-note", values, key)
    return ended

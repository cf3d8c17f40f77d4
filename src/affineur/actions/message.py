"""Write to the people of a project without seeing their addresses, and say whose messages one does not want.

Only people with a role on the project can write, only to those who share it. What they write is mail and nothing
else: the log keeps that there was a message, and its topic, not its words.
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import Refused, refuse
from affineur.core.names import NormalizedName
from affineur.core.people import roles, throttle
from affineur.core.people.accounts import unknown
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, attempts, emails, grants, outbox, relay, security
from affineur.shell.store.outbox import Letter
from affineur.shell.store.projects import ProjectRow

from . import permission


def message(index: Index, by: Caller, project: NormalizedName, topic: str, text: str, to: str | None = None) -> None:
    """Send ``text`` to the people of ``project``, or to the one named ``to`` among them.

    ``topic`` is one of `roles.TOPICS`. Whoever takes no messages, or none from the caller, is passed over in
    silence: the caller is not told who got it. `Refused` without a role, for an unfit text, or after too many.
    """
    text = text.strip()
    roles.fit_topic(topic).require()
    roles.fit_text(text, roles.LONGEST_MESSAGE, "The message").require()
    with index.store.read() as connection:
        found = permission.require(connection, by.actor, "message", project, by.now)
        _recipients(connection, by, found, to)
    _count(index, by, found)
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "message", project, by.now)
        letter = {"sender": by.actor.name, "project": found.display_name, "topic": roles.TOPICS[topic], "text": text}
        told = _recipients(connection, by, found, to)
        reached = ((each, emails.primary(connection, each)) for each in told)
        letters = [Letter(address, "relay-message", letter, each) for each, address in reached if address is not None]
        outbox.put_all(connection, by.now, letters)
        facts = {"topic": topic, "characters": len(text), "to": to}
        about = Happened("MessageRelayed", by.actor.account_id, by.actor.name, project, facts=facts)
        security.append(connection, by, about)
        grants.note_act(connection, found.id, by.actor.account_id, by.now)


def accept_messages(index: Index, by: Caller, accepts: bool) -> None:
    """Let the caller's account take messages from those who share a project with it, or none at all."""
    with index.store.write() as connection:
        accounts.change(connection, _me(by), accepts_messages=accepts)


def block_sender(index: Index, by: Caller, sender: str, blocked: bool) -> None:
    """Stop messages of one person to the caller, or let them through again. They are not told."""
    with index.store.write() as connection:
        me, found = _me(by), accounts.find(connection, sender)
        if found is None:
            raise Refused(unknown(sender))
        if blocked:
            relay.block(connection, me, found.id, by.now)
        else:
            relay.unblock(connection, me, found.id)


def _me(by: Caller) -> int:
    # What somebody lets in is theirs to say like the answer to an invitation: with no proof, since it harms nobody.
    may(by.actor, "manage-account", Resource(account_id=by.actor.account_id), by.now).require()
    if by.actor.account_id is None:
        refuse("access.own", "The index itself has no account.", "Sign in.")
    return by.actor.account_id


def _recipients(connection: sa.Connection, by: Caller, found: ProjectRow, to: str | None) -> list[int]:
    me = by.actor.account_id
    there = [each for each in grants.holders(connection, found.id) if each.account_id != me and each.kind == "person"]
    if to is not None:
        there = [each for each in there if each.name.lower() == to.lower()]
    if not there:
        refuse("message.nobody", "There is nobody to write to on this project.", "The project's page lists its people.")
    unwilling = set() if me is None else relay.blocked_by(connection, me)
    return [each.account_id for each in there if each.accepts_messages and each.account_id not in unwilling]


def _count(index: Index, by: Caller, found: ProjectRow) -> None:
    if by.actor.account_id is None:
        return
    counters = [
        *attempts.limits(throttle.RELAY, "account", str(by.actor.account_id)),
        *attempts.limits(roles.RELAY_PROJECT, "project", str(found.id)),
    ]
    attempts.take(index.store, counters, by.now).require()

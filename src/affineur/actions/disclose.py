"""Disclose: tokens that were found where anybody can read them are revoked, and their owners are told."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from affineur.core.people.disclosure import Finding
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import emails, security, tokens
from affineur.shell.store.tokens import TokenRow


def revoke_disclosed(index: Index, by: Caller, reporter: str, findings: Iterable[Finding]) -> int:
    """Revoke each of ``findings`` that is a genuine token in force, narrowed or not; how many.

    ``by`` is the index itself, and where the report came from; ``reporter`` is told to the owners. Whatever is no
    token of this index, or is revoked or expired already, is passed over without a word: an answer that told them
    apart would be a way to try tokens.
    """
    revoked = 0
    with index.store.write() as connection:
        for finding in findings:
            found = tokens.genuine(connection, finding.token)
            if found is None or found.state(by.now) != "valid":
                continue
            tokens.revoke(connection, [found.id], by.now, f"found in public, reported by {reporter}")
            _tell(connection, by, found, reporter, finding.place)
            revoked += 1
    return revoked


def _tell(connection: sa.Connection, by: Caller, found: TokenRow, reporter: str, place: str) -> None:
    """Note it, and write to whom it concerns: the account; who answers for the machine; the owners of the projects."""
    facts = {"token": found.id, "label": found.label, "found_in": place, "reported_by": reporter}
    if found.account_id is None:
        for project, owners in tokens.owners_behind(connection, found.id):
            security.append(connection, by, Happened("TokenDisclosed", None, None, project=project, facts=facts))
            for key, name in owners:
                _write(connection, by, key, name, f"trusted publishing of {project}", reporter, place)
        return
    security.append(connection, by, Happened("TokenDisclosed", found.account_id, found.account, facts=facts))
    label = found.label or found.id
    for key, name in tokens.people_behind(connection, found.account_id):
        shown = label if key == found.account_id else f"{label} of {found.account}"
        _write(connection, by, key, name, shown, reporter, place)


def _write(connection: sa.Connection, by: Caller, key: int, name: str, label: str, reporter: str, place: str) -> None:
    told = {"account": name, "at": by.now, "label": label, "found_in": place, "reported_by": reporter}
    emails.tell(connection, key, "token-disclosed", told, by.now)

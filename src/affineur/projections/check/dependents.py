"""The graph of dependencies held against the files: up to date, and every edge what they say.

Which older releases count follows from downloads, and is taken as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from affineur.core.dependents.answers import Source
from affineur.core.dependents.edges import Needs
from affineur.projections import dependents
from affineur.shell.index import Index
from affineur.shell.progress import Tell
from affineur.shell.store import dependents as rows
from affineur.shell.store import journal, projects

from .findings import Finding
from .tree import SETTLE_SECONDS, SETTLING

_BATCH = 200


def check(index: Index, now: datetime, tell: Tell) -> Iterator[Finding]:
    """Faults of the graph. Cost: reading the metadata of every newest release."""
    late = _late(index, now)
    if late is not None:
        yield late
        return  # everything that changed since would be found wrong
    with index.store.read() as connection:
        ours = list(projects.names(connection))
        names = [*ours, *sorted(set(rows.named_ours(connection)) - set(ours))]
    for start in range(0, len(names), _BATCH):
        tell("dependents", start, len(names))
        part = names[start : start + _BATCH]
        wrong = _wrong(index, part)
        if wrong and not _follows(index):
            time.sleep(SETTLE_SECONDS)
        yield from _wrong(index, sorted(wrong)).values() if wrong else ()


def _late(index: Index, now: datetime) -> Finding | None:
    """A finding where the graph is behind, and nobody seems to be about to change that."""
    for patience in (True, False):
        with index.store.read() as connection:
            head, _ = journal.head(connection)
            at, _ = rows.position(connection)
            young = now - journal.moment(connection, head) < SETTLING
        if at == head or (young and at < head and not patience):
            return None
        if patience and young:
            time.sleep(SETTLE_SECONDS)
    return Finding("stale-dependents", "dependents", f"They are at serial {at}; the journal is at {head}.")


def _follows(index: Index) -> bool:
    with index.store.read() as connection:
        return rows.position(connection)[0] == journal.head(connection)[0]


def _wrong(index: Index, names: list[str]) -> dict[str, Finding]:
    with index.store.read() as connection:
        since, _ = rows.position(connection)
        moved = {name for name, _ in journal.changed_since(connection, since)[0]}
        wanted, nodes = dependents.look(index, connection, names), rows.nodes(connection, names)
        found = {}
        for name, (source, needs) in wanted.items():
            if name in moved:
                continue
            said = _difference(connection, nodes.get(name), source, needs)
            if said:
                found[name] = Finding("wrong-dependents", name, said)
    return found


def _difference(connection: sa.Connection, node: rows.Node | None, source: Source | None, needs: Needs) -> str:
    """In what the stored node differs from what it should be; empty: in nothing."""
    if node is None:
        return "" if source is None else "The graph does not know it."
    if (node.source, node.version, node.dynamic) != (source, needs.version, needs.dynamic):
        return (
            f"It is known as {node.source or 'nobody'}'s in version {node.version}, and should be "
            f"{source or 'nobody'}'s in version {needs.version}."
        )
    stored, wanted = rows.edges_of(connection, node.id), set(needs.edges)
    missing, surplus = sorted(one.target for one in wanted - stored), sorted(one.target for one in stored - wanted)
    if not missing and not surplus:
        return ""
    return (
        f"Its requirements lack {', '.join(missing) or 'none'}; too many or different: {', '.join(surplus) or 'none'}."
    )

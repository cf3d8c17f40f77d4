"""Who owns what requires a project, and is therefore told of its end.

What does not live here: who depends on whom (`dependents`), and when somebody is told (`actions.aftermath`).
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.dependents.edges import Kind

from .schema import account, edge, node, project, role

MOST_TOLD = 500
"""Accounts that are told of one deprecation, those first who own most of what requires it: post is for all."""


def owners_of_dependents(connection: sa.Connection, name: str) -> dict[int, list[str]]:
    """Accounts of people who own projects that always require ``name``, with the names of these projects.

    Left out are who takes no messages, who is frozen, and who has a role on ``name`` itself. Cost: linear in direct
    dependents.
    """
    target, mine = node.alias(), project.alias()
    own = sa.select(role.c.account_id).join(mine, mine.c.id == role.c.project_id).where(mine.c.name == name)
    query = (
        sa.select(role.c.account_id, project.c.display_name)
        .select_from(edge)
        .join(target, target.c.id == edge.c.target_id)
        .join(node, node.c.id == edge.c.dependent_id)
        .join(project, project.c.name == node.c.name)
        .join(role, role.c.project_id == project.c.id)
        .join(account, account.c.id == role.c.account_id)
        .where(
            target.c.name == name,
            edge.c.kind == Kind.ALWAYS.value,
            edge.c.newest,
            node.c.source == "ours",
            role.c.role == "owner",
            account.c.kind == "person",
            account.c.accepts_messages,
            account.c.frozen_at.is_(None),
            role.c.account_id.not_in(own),
        )
        .order_by(project.c.name)
    )
    found: dict[int, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.account_id, []).append(row.display_name)
    first = sorted(found, key=lambda key: (-len(found[key]), key))[:MOST_TOLD]
    return {key: found[key] for key in first}

"""Naming: whether a project may come to be under a name, as far as the names of others go. Not an act itself."""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.decision import Decision
from affineur.core.life import policy
from affineur.core.names import NormalizedName
from affineur.shell.index import Index
from affineur.shell.store import projects


def new_name(index: Index, connection: sa.Connection, name: NormalizedName) -> Decision:
    """Whether a new project may take ``name``, which none has."""
    settings = index.settings
    return policy.new_name(
        policy.NewName(
            name,
            tuple(projects.lookalikes(connection, name)),
            settings.reserve_standard_library_names,
            settings.reserve_lookalike_names,
        )
    )

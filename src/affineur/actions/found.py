"""Found an index: an empty database, a public tree, and a first operator with a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from affineur.core.people.caveats import ALL_ACTIONS
from affineur.projections import follow
from affineur.shell.index import Index
from affineur.shell.store import accounts

from . import minting

FIRST_OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Founded:
    """The first operator and the secret of their token, which is shown once."""

    operator: str
    token: str


def found(index: Index, now: datetime, operator: str = FIRST_OPERATOR) -> Founded | None:
    """Bring the schema up; with no account yet, make the first operator. None where there was one already."""
    index.store.create()
    with index.store.write() as connection:
        if accounts.any_account(connection):
            return None
        key = accounts.add_account(connection, operator, now, office="operator")
        ends = now + timedelta(days=index.settings.maximum_token_days)
        made = minting.account_token(connection, key, "first token", now, actions=ALL_ACTIONS, expires_at=ends)
    follow.bring_up(index)
    return Founded(operator, made.secret)

"""Who does not want messages from whom. The messages themselves are mail only, and kept nowhere else.

What does not live here: passing them on (`actions.message`).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from .schema import account, message_block


def block(connection: sa.Connection, account_id: int, sender_id: int, at: datetime) -> None:
    """Stop messages of ``sender_id`` to an account; nothing happens where they are stopped already."""
    if sender_id not in blocked_ids(connection, account_id):
        connection.execute(message_block.insert().values(account_id=account_id, sender_id=sender_id, since=at))


def unblock(connection: sa.Connection, account_id: int, sender_id: int) -> None:
    """Let messages of ``sender_id`` through again."""
    connection.execute(
        message_block.delete().where(message_block.c.account_id == account_id, message_block.c.sender_id == sender_id)
    )


def blocked_ids(connection: sa.Connection, account_id: int) -> set[int]:
    """Whose messages an account does not want."""
    return set(connection.scalars(sa.select(message_block.c.sender_id).where(message_block.c.account_id == account_id)))


def blocked_names(connection: sa.Connection, account_id: int) -> list[str]:
    """The names of those whose messages an account does not want, in order."""
    query = sa.select(account.c.name).join(message_block, message_block.c.sender_id == account.c.id)
    return list(connection.scalars(query.where(message_block.c.account_id == account_id).order_by(account.c.name_key)))


def blocked_by(connection: sa.Connection, sender_id: int) -> set[int]:
    """Who does not want messages of ``sender_id``."""
    return set(connection.scalars(sa.select(message_block.c.account_id).where(message_block.c.sender_id == sender_id)))

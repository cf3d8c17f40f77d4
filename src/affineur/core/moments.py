"""Moments as people type them, to look for what happened in a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_DATE_LENGTH = len("2026-01-31")


def moment(text: str, *, end: bool = False) -> datetime | None:
    """A date (``2026-01-31``; with ``end`` the end of that day) or a moment (ISO 8601), in UTC unless it says where.

    None for anything else, and for what lies beyond the years 1 to 9999.
    """
    try:
        found = datetime.fromisoformat(text)
        if end and len(text) <= _DATE_LENGTH:
            found += timedelta(days=1)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None

"""Search over projects: one small port, two engines (SQLite's FTS5 and PostgreSQL).

Here lives a *derived* index: everything in it comes from the store, it may be deleted at any time and is
then rebuilt; a search never answers anything a rule depends on. What does not live here: following the
journal (that is `projections`), and pages that show results (`web`).

``port`` has the values and the protocol, ``words`` how text becomes words, ``query`` what somebody typed,
``spelling`` typing errors, ``ranking`` the search itself, which both engines share; ``sqlite`` and
``postgresql`` only store and look up.
"""

from __future__ import annotations

from .port import Document, Hit, Order, Results, SearchIndex

__all__ = ["Document", "Hit", "Order", "Results", "SearchIndex", "open_search"]


def open_search(location: str) -> SearchIndex:
    """The search index at ``location``: a ``postgresql://`` URL, or the path of an SQLite file of its own.

    A missing index is made, empty and with serial 0; so is one written in another format, or, for SQLite,
    one whose file is damaged. Raises `OSError` or the driver's error where the place can't be reached.
    """
    if location.startswith(("postgresql://", "postgres://")):
        from .postgresql import PostgresqlSearch

        return PostgresqlSearch(location)
    from .sqlite import SqliteSearch

    return SqliteSearch(location)

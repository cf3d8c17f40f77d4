"""The lake that the settings name: the embedded engine, or ClickHouse. Each is loaded only where it is used."""

from __future__ import annotations

from affineur.settings import Settings
from affineur.shell.store import Store

from .port import Lake

CLICKHOUSE = ("clickhouse://", "clickhouses://")


def open_lake(settings: Settings, store: Store) -> Lake:
    """The statistics of this index. Nothing is opened or connected to before the first question."""
    if settings.statistics.startswith(CLICKHOUSE):
        from .clickhouse import ClickHouseLake

        return ClickHouseLake(settings, store)
    from .duck import DuckLake

    return DuckLake(settings, store)

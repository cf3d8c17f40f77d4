"""What ``/metrics`` says: the counters of all processes added up, and what is measured when it is asked.

What does not live here: counting (`web.metrics`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from affineur.projections import pages, search
from affineur.shell.following import recall
from affineur.shell.index import Index
from affineur.shell.lake.collecting import lag_bytes
from affineur.shell.search import SearchIndex
from affineur.shell.store import journal, lake_logs
from affineur.shell.tree import ROOT

_PID = re.compile(r"_(\d+)\.db\Z")


def exposition(index: Index, folder: str, accept: str) -> tuple[bytes, str]:
    """The metrics in the form that ``accept`` asks for, and its content type. Cost: a few milliseconds."""
    alive = _sweep(folder)
    registry = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    registry.register(_Now(index, alive))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _sweep(folder: str) -> list[int]:
    """The serving processes that live; gauges of those that do not are taken out, their counters stay."""
    found = {int(match[1]) for path in Path(folder).glob("*.db") if (match := _PID.search(path.name))}
    alive = sorted(pid for pid in found if Path(f"/proc/{pid}").exists())
    for pid in found.difference(alive):
        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
    return alive


class _Now(Collector):
    """What is measured at the moment of asking: serials, lags and processes."""

    def __init__(self, index: Index, alive: list[int]) -> None:
        self._index, self._alive = index, alive

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        yield InfoMetricFamily("affineur", "What runs here.", _build_facts())
        yield from self._serials()
        yield from self._following()
        yield from self._collecting()
        yield from self._processes()

    def _serials(self) -> Iterator[Metric]:
        with self._index.store.read() as connection:
            head, _ = journal.head(connection)
        yield GaugeMetricFamily("affineur_journal_serial", "Serial of the newest journal entry.", head)
        serials = GaugeMetricFamily(
            "affineur_projection_serial",
            "Journal serial up to which a projection is known to be.",
            labels=["projection"],
        )
        lags = GaugeMetricFamily(
            "affineur_projection_lag", "Journal entries that a projection is behind.", labels=["projection"]
        )
        for name, read in self._projections().items():
            serial = read()
            serials.add_metric([name], serial)
            lags.add_metric([name], max(head - serial, 0))
        yield serials
        yield lags

    def _following(self) -> Iterator[Metric]:
        """How far a mirror is, and whether it was stopped; nothing where the index is its own."""
        found = recall(self._index.settings)
        if found is None:
            return
        behind = max(found.head - pages.read_mark(self._index), 0)
        heard = found.heard_at.timestamp() if found.heard_at else 0.0
        yield GaugeMetricFamily("affineur_follow_lag", "Entries of the origin that are not shown here yet.", behind)
        yield GaugeMetricFamily("affineur_follow_heard_seconds", "When the origin last told all, since 1970.", heard)
        stopped = GaugeMetricFamily(
            "affineur_follow_stopped", "1 where something was found that must not be believed.", labels=["rule"]
        )
        stopped.add_metric([found.stopped.rule if found.stopped else ""], float(found.stopped is not None))
        yield stopped

    def _collecting(self) -> Iterator[Metric]:
        """How much of the request log is counted as downloads, and how much of this machine's is not."""
        with self._index.store.read() as connection:
            counted = lake_logs.counted(connection)
        for name, what, value in (
            ("affineur_collected_lines", "Lines of request logs that were read for downloads.", counted.lines),
            ("affineur_collected_downloads", "Downloads among them.", counted.events),
            ("affineur_collected_unreadable", "Lines that nobody can read.", counted.unreadable),
        ):
            yield CounterMetricFamily(name, what, value)
        lag = lag_bytes(self._index.settings, self._index.store)
        yield GaugeMetricFamily(
            "affineur_collect_lag_bytes", "Bytes of this machine's logs that are not read yet.", lag
        )

    def _projections(self) -> dict[str, Callable[[], int]]:
        return {
            "public_tree": lambda: pages.read_mark(self._index),
            "root_list": lambda: self._index.tree.serial(ROOT) or 0,
            "search": lambda: _search_of(self._index).serial(),
        }

    def _processes(self) -> Iterator[Metric]:
        """Memory, processor time, open files and start of each serving process, told apart by ``pid``."""
        families: dict[str, Metric] = {}
        for pid in self._alive:
            for found in ProcessCollector("affineur", pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                family = families.setdefault(found.name, Metric(found.name, found.documentation, found.type))
                for sample in found.samples:
                    family.add_sample(sample.name, {**sample.labels, "pid": str(pid)}, sample.value)
        yield from families.values()


@lru_cache(maxsize=1)
def _search_of(index: Index) -> SearchIndex:
    """The search index, opened once in this process."""
    return search.open_search(index)


def _build_facts() -> dict[str, str]:
    """What runs here: the versions of the program and of Python."""
    return {"version": version("affineur"), "python": sys.version.split()[0]}

"""The ledger of an import: what became of each file, counted, kept and shown.

What does not live here: taking files in (`importing`).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Literal

import orjson

from affineur.core.decision import Decision

Result = Literal["taken", "present", "refused", "failed", "left out"]
"""``failed`` may succeed when the import runs again; ``refused`` will not, unless something changes."""

KEPT = 10_000
"""Outcomes kept for the summary; a report file has all of them."""
SHOWN = 40
"""Lines of each section of the summary."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file, or of a whole project where ``filename`` is empty."""

    project: str
    filename: str
    result: Result
    rule: str = ""
    reason: str = ""
    findings: tuple[tuple[str, str], ...] = ()
    """What is wrong with a file that was taken all the same, as ``(rule, sentence)``."""


def refused(project: str, filename: str, decision: Decision) -> Outcome:
    """The outcome of a rule that said no."""
    return Outcome(project, filename, "refused", decision.rule, decision.sentence)


class Ledger:
    """Outcomes as they come, from any thread; each is a line of JSON in ``report``, where there is one."""

    def __init__(self, report: IO[bytes] | None = None) -> None:
        self._lock = threading.Lock()
        self._report = report
        self._counts: Counter[Result] = Counter()
        self._kept: list[Outcome] = []
        self._with_findings = 0
        self._remarks: dict[str, None] = {}

    def remark(self, decisions: Iterable[Decision]) -> None:
        """Write down what is odd about the upstream as a whole; each sentence once."""
        with self._lock:
            self._remarks.update((decision.sentence, None) for decision in decisions)

    def note(self, outcome: Outcome) -> None:
        """Write ``outcome`` down."""
        with self._lock:
            self._counts[outcome.result] += 1
            self._with_findings += bool(outcome.findings)
            ordinary = outcome.result in ("taken", "present") and not outcome.findings
            if not ordinary and len(self._kept) < KEPT:
                self._kept.append(outcome)
            if self._report is not None:
                self._report.write(orjson.dumps(asdict(outcome)) + b"\n")

    @property
    def files(self) -> int:
        """Files looked at so far."""
        return self._counts.total()

    @property
    def is_clean(self) -> bool:
        """Whether everything that is a distribution is here now."""
        return not self._counts["refused"] and not self._counts["failed"]

    def summary(self) -> dict[str, object]:
        """Everything for programs."""
        counts = {
            name.replace(" ", "_"): self._counts[name] for name in ("taken", "present", "refused", "failed", "left out")
        }
        return {
            **counts,
            "taken_with_findings": self._with_findings,
            "remarks": list(self._remarks),
            "outcomes": [asdict(outcome) for outcome in self._kept],
        }

    def lines(self) -> Iterator[str]:
        """Everything for people."""
        yield (
            f"Taken: {self._counts['taken']:,}. There already: {self._counts['present']:,}. "
            f"Refused: {self._counts['refused']:,}. Failed for now: {self._counts['failed']:,}."
        )
        yield from self._remarks
        reported = [(outcome, *found) for outcome in self._kept for found in outcome.findings[:3]]
        yield from _section(f"Taken although something is wrong ({self._with_findings:,}):", reported)
        for result, title in (
            ("refused", "Refused ({:,}):"),
            ("failed", "Failed for now ({:,}); run the same command again:"),
            ("left out", "Left out, being no distributions ({:,}):"),
        ):
            found = [(one, one.rule, one.reason) for one in self._kept if one.result == result]
            yield from _section(title.format(self._counts[result]), found)  # type: ignore[index]


def _section(title: str, rows: Iterable[tuple[Outcome, str, str]]) -> Iterator[str]:
    listed = list(rows)
    if not listed:
        return
    yield ""
    yield title
    width = min(60, max(len(outcome.filename or outcome.project) for outcome, _, _ in listed[:SHOWN]))
    for outcome, rule, reason in listed[:SHOWN]:
        yield f"  {outcome.filename or outcome.project:<{width}}  {reason}{f'  [{rule}]' if rule else ''}"
    if len(listed) > SHOWN:
        yield f"  … and {len(listed) - SHOWN:,} more; `--report FILE` writes all of them."

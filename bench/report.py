"""Medians, ratios, targets: the table people read and the JSON programs read."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import Findings, Plan
from bench.rows import ROWS

EDGE, PYTHON, LIMIT, PYPIRON = "affineur-edge", "affineur", "nginx", "pypiron"
PYTHON_PEERS = ("devpi-server", "pypiserver")
SERVERS = (LIMIT, EDGE, PYTHON, PYPIRON, *PYTHON_PEERS)
RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what it asks, what was measured, and whether it is met (``None``: could not be told)."""

    row: str
    server: str
    asks: str
    measured: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Bound:
    """A target that is a plain number."""

    row: str
    title: str
    limit: float
    unit: str
    at_least: bool


_BOUNDS = (
    Bound("upload", "upload of 4 kB wheels", 150, "files/s", at_least=True),
    Bound("upload-visible", "visible when answered (share)", 1, "", at_least=True),
    Bound("start", "start to first answer", 1, "s", at_least=False),
    Bound("memory", "memory after the load (PSS)", 150, "MiB", at_least=False),
)


def medians(findings: Findings, row: str) -> dict[str, float]:
    """The median of every server that has figures for ``row``."""
    return {server: statistics.median(values) for server, values in findings.samples.get(row, {}).items()}


def verdicts(findings: Findings) -> list[Verdict]:
    """Every target of the table, in its order."""
    found: list[Verdict] = []
    for row in ROWS:
        got = medians(findings, row.key)
        if row.key.startswith("page-"):
            found += [
                _ratio(row.title, got, EDGE, 0.85, LIMIT),
                _ratio(row.title, got, EDGE, 1.0, PYPIRON),
                _ratio(row.title, got, PYTHON, 0.35, LIMIT),
                _ratio(row.title, got, PYTHON, 20, *PYTHON_PEERS),
            ]
        elif row.key == "file-20kb":
            found += [
                _ratio(row.title, got, EDGE, 0.70, LIMIT),
                _ratio(row.title, got, PYTHON, 0.20, LIMIT),
                _ratio(row.title, got, PYTHON, 1.0, PYPIRON),
            ]
        else:
            found += [_ratio(row.title, got, EDGE, 0.95, LIMIT), _ratio(row.title, got, PYTHON, 0.90, LIMIT)]
    for server in (EDGE, PYTHON):
        found += [_bound(bound, findings, server) for bound in _BOUNDS]
    return found


def _ratio(title: str, got: dict[str, float], server: str, least: float, *others: str) -> Verdict:
    present = {other: got[other] for other in others if other in got}
    name = others[0] if len(others) == 1 else "the best Python peer"
    asks = f"≥ {least:g} × {name}"
    if server not in got or not present:
        return Verdict(title, server, asks, "–", None if server in got else False)
    ratio = got[server] / max(present.values())
    return Verdict(title, server, asks, f"{ratio:.2f} ×", ratio >= least)


def _bound(bound: Bound, findings: Findings, server: str) -> Verdict:
    value = medians(findings, bound.row).get(server)
    asks = f"{'≥' if bound.at_least else '≤'} {bound.limit:g} {bound.unit}".strip()
    if value is None:
        return Verdict(bound.title, server, asks, "–", False)
    met = value >= bound.limit if bound.at_least else value <= bound.limit
    return Verdict(bound.title, server, asks, f"{value:.2f} {bound.unit}".strip(), met)


def markdown(findings: Findings, plan: Plan) -> str:
    """The whole report."""
    present = [server for server in SERVERS if server in findings.samples.get("start", {})]
    lines = [
        "# Measured",
        "",
        f"Written by `make bench`. {plan.rounds} interleaved rounds of {plan.seconds} s, medians, two workers"
        f" each; {plan.projects:,} projects; two wrk threads on 127.0.0.1.",
        f"{_machine()}; load average while measuring {_span(findings.load_average)}.",
        "",
        "Requests a second share the processors with the load generator and whatever else ran; the processor "
        "time of each request (in brackets, µs of the whole process tree) is steadier.",
        "",
        f"| measure | {' | '.join(_heading(server, findings) for server in present)} |",
        f"|---|{'---:|' * len(present)}",
    ]
    lines += [_line(f"{row.title}, {row.unit}", row.key, present, findings, 0) for row in ROWS]
    lines.append(_line("upload of 4 kB wheels, files/s", "upload", present, findings, 0))
    lines.append(_line("upload, slowest of 100, ms", "upload-p99-ms", present, findings, 1))
    lines.append(_line("visible when answered, share", "upload-visible", present, findings, 2))
    lines.append(_line(f"start to first answer, {plan.projects:,} projects, s", "start", present, findings, 2))
    lines.append(_line("memory after the load (PSS), MiB", "memory", present, findings, 0))
    lines += ["", "## Requests a second (or bytes) as a share of nginx", "", *_share_table(findings, present)]
    lines += [
        "",
        "## Processor time of a request, in multiples of nginx",
        "",
        *_cost_table(findings, present),
    ]
    lines += ["", "## Targets", "", "| measure | server | asks | measured | |", "|---|---|---|---|---|"]
    marks = {True: "met", False: "**missed**", None: "nothing to compare with"}
    lines += [f"| {v.row} | {v.server} | {v.asks} | {v.measured} | {marks[v.met]} |" for v in verdicts(findings)]
    remarks = [
        f"- {row}, {server}: {text}" for row, by_server in findings.notes.items() for server, text in by_server.items()
    ]
    if remarks:
        lines += ["", "## Remarks", "", *remarks]
    return "\n".join([*lines, ""])


def _line(title: str, key: str, present: list[str], findings: Findings, digits: int) -> str:
    cells = []
    for server in present:
        values = findings.samples.get(key, {}).get(server)
        cpu = findings.cpu_us.get(key, {}).get(server)
        cell = f"{statistics.median(values):,.{digits}f}" if values else "–"
        cells.append(f"{cell} ({statistics.median(cpu):,.0f})" if cpu else cell)
    return f"| {title} | {' | '.join(cells)} |"


def _cost_table(findings: Findings, present: list[str]) -> list[str]:
    others = [server for server in present if server != LIMIT]
    lines = [f"| measure | {' | '.join(others)} |", f"|---|{'---:|' * len(others)}"]
    for row in ROWS:
        cost = {server: statistics.median(v) for server, v in findings.cpu_us.get(row.key, {}).items()}
        if cost.get(LIMIT):
            cells = [f"{cost[server] / cost[LIMIT]:.2f}" if server in cost else "–" for server in others]
            lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return lines


def _share_table(findings: Findings, present: list[str]) -> list[str]:
    others = [server for server in present if server != LIMIT]
    lines = [f"| measure | {' | '.join(others)} |", f"|---|{'---:|' * len(others)}"]
    for row in ROWS:
        got = medians(findings, row.key)
        if LIMIT in got:
            cells = [f"{got[server] / got[LIMIT]:.3f}" if server in got else "–" for server in others]
            lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return lines


def _heading(server: str, findings: Findings) -> str:
    version = findings.versions.get(server, "?")
    return server if version == "?" else f"{server} {version}"


def _span(values: list[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f}" if values else "unknown"


def _machine() -> str:
    return f"{os.cpu_count()} processors ({platform.machine()}), Linux, CPython {platform.python_version()}"


def write(findings: Findings, plan: Plan, *, keep_report: bool = True) -> Path:
    """Write ``results/latest.json`` and, unless told not to, ``RESULTS.md``; the path of the JSON."""
    RESULTS.mkdir(exist_ok=True)
    document: dict[str, Any] = {
        "plan": {name: getattr(plan, name) for name in plan.__slots__},
        "machine": _machine(),
        "verdicts": [{name: getattr(verdict, name) for name in verdict.__slots__} for verdict in verdicts(findings)],
        **findings.as_dict(),
    }
    target = RESULTS / "latest.json"
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if keep_report:
        (RESULTS.parent / "RESULTS.md").write_text(markdown(findings, plan))
    return target

"""``python -m bench [--quick] [--only NAME,…]``, ``… people``, ``scale``, ``journal`` and so on, each of one matter."""

from __future__ import annotations

import argparse
import sys
import time

from bench import measure, report
from bench.contestants.affineur import Affineur, AffineurEdge
from bench.contestants.base import Contestant
from bench.contestants.devpi import Devpi
from bench.contestants.nginx import Nginx
from bench.contestants.pypiron import Pypiron
from bench.contestants.pypiserver import Pypiserver
from bench.environments import CACHE
from bench.load import wrk_program

_ALL: tuple[type[Contestant], ...] = (Nginx, AffineurEdge, Affineur, Pypiron, Devpi, Pypiserver)
_QUICK = measure.Plan(rounds=1, seconds=1, projects=200, uploads=40, starts=1)


def main() -> int:
    """Measure, write the report, print it. 0: every target is met; 1: one is missed; 2: bad usage."""
    arguments = _arguments()
    if arguments.command == "scale":
        from bench import scale

        return scale.run(arguments)
    if arguments.command == "people":
        return _people(quick=arguments.quick)
    if arguments.command == "journal":
        from bench import journal

        return journal.run(quick=arguments.quick)
    if arguments.command == "follow":
        from bench import follow

        return follow.run(quick=arguments.quick)
    if arguments.command == "collect":
        from bench import collect

        return collect.run(quick=arguments.quick)
    if arguments.command == "downloads":
        from bench import downloads

        return downloads.run(quick=arguments.quick)
    if arguments.command == "life":
        from bench import life

        return life.run(quick=arguments.quick)
    if arguments.command == "dependents":
        from bench import dependents

        return dependents.run(quick=arguments.quick)
    wrk_program()
    plan = _QUICK if arguments.quick else measure.Plan()
    if arguments.rounds or arguments.seconds:
        plan = measure.Plan(
            rounds=arguments.rounds or plan.rounds,
            seconds=arguments.seconds or plan.seconds,
            projects=plan.projects,
            uploads=plan.uploads,
            starts=plan.starts,
        )
    wanted = set(arguments.only.split(",")) if arguments.only else {kind.name for kind in _ALL}
    contestants = [kind(CACHE / "running" / kind.name) for kind in _ALL if kind.name in wanted]
    findings = _run(contestants, plan)
    path = report.write(findings, plan, keep_report=not (arguments.quick or arguments.only))
    print(report.markdown(findings, plan))
    _say(f"written: {path}")
    met = all(verdict.met is not False for verdict in report.verdicts(findings))
    people_met = arguments.only or _people(quick=arguments.quick) == 0
    return 0 if met and people_met else 1


def _people(*, quick: bool) -> int:
    from bench import people

    return people.run(quick=quick)


def _run(contestants: list[Contestant], plan: measure.Plan) -> measure.Findings:
    findings = measure.Findings()
    up: list[Contestant] = []
    try:
        up = measure.start_all(measure.fill_all(contestants, plan, _say), plan, findings, _say)
        for limit in up:
            if isinstance(limit, Nginx):
                ours_first = sorted(up, key=lambda other: not isinstance(other, Affineur))
                others = [other for other in ours_first if other is not limit]
                measure.give_the_limit_its_bytes(limit, others, _say)
        measure.measure_reads(up, plan, findings, _say)
        measure.measure_uploads(up, plan, findings, _say)
        measure.measure_memory(up, findings)
    finally:
        for contestant in contestants:
            contestant.stop()
    return findings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = ["compare", "people", "scale", "journal", "follow", "life", "dependents", "collect", "downloads"]
    parser.add_argument("command", nargs="?", choices=commands, default="compare")
    parser.add_argument("--quick", action="store_true", help="one short round on a small index; keeps no report")
    parser.add_argument("--only", default="", help="servers, separated by commas")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (3)")
    parser.add_argument("--seconds", type=int, help="seconds of load for each figure (3)")
    parser.add_argument("--projects", type=int, default=886_000, help="scale: number of projects (886,000)")
    parser.add_argument("--names", help="scale: a TSV file with names, versions and summaries to use")
    parser.add_argument("--keep", action="store_true", help="scale: keep the filled index for the next run")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""What an index elsewhere refuses, as a sentence and an exit status. Source: RFC 9457, as ``/api/v1`` answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import EXIT_NOT_READY, EXIT_REFUSED, EXIT_USAGE

_PRINTED = 2000


class RemoteFault(Exception):
    """A remote index refused, failed, or cannot be asked. ``exit_code`` is the status that the program ends with.

    ``rule`` is that of a refusal; ``facts`` are what it says beside.
    """

    def __init__(
        self, sentence: str, exit_code: int, rule: str | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(sentence)
        self.exit_code, self.rule, self.facts = exit_code, rule, dict(facts or {})


def away(index: str, why: str) -> RemoteFault:
    """The index cannot be reached, or answers what no index answers."""
    return RemoteFault(f"{index} cannot be used: {why}", EXIT_NOT_READY)


def refused(index: str, status: int, problem: Mapping[str, Any]) -> RemoteFault:
    """The refusal that ``problem``, a problem document of ``index``, tells of."""
    rule = printable(problem.get("rule", ""))
    said = [problem.get("detail", ""), *problem.get("ways_out", ()), *_more(index, status, rule)]
    sentence = " ".join(printable(each) for each in said if each)
    return RemoteFault(f"{sentence}  [{rule}]", _exit_code(status, rule), rule, problem.get("facts"))


def printable(value: object) -> str:
    """A text from elsewhere as one line that does nothing to a terminal."""
    return "".join(each if each.isprintable() else " " for each in str(value)[:_PRINTED]).strip()


def _more(index: str, status: int, rule: str) -> list[str]:
    """What only whoever stands at this end can be told."""
    if rule == "access.step-up":
        return [f"Confirm your token at {index}account/tokens, and run the command again within five minutes."]
    if rule == "access.signed-in":
        return [f"Sign in at {index}account/."]
    if rule == "api.not-found":
        return [f"{index} may be of an older version than this program."]
    if status == 401:
        return [f"Run `affineur login {index}` with a token that is in force."]
    return []


def _exit_code(status: int, rule: str) -> int:
    if status >= 500 or rule in ("api.not-found", "api.method"):
        return EXIT_NOT_READY
    return EXIT_USAGE if rule in ("api.fields", "api.syntax") else EXIT_REFUSED

"""Where a search for chains starts: names, or the lines of a requirements file, read into the projects they name.

What does not live here: how a chain is found (`shell.dependents`), and what a requirement of a release comes to
(`edges`). Sources: the format of requirements files as pip's documentation has it; PEP 508 for one requirement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from ..decision import Refused, refuse
from ..names import NormalizedName, parse_name

MOST_STARTS = 1000
"""Projects that one question starts from: more than any environment has, and answered in well under a second."""

# pip: a comment begins with `#` at the start of a line or after white space, and options follow a requirement as
# ` --hash=…`; a line that ends in `\` goes on in the next one. The white space is looked back at: whoever sends very
# much of it must not have it tried from each of its characters on.
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_OPTIONS = re.compile(r"\s--?[a-zA-Z].*$")
_CONTINUED = re.compile(r"\\\r?\n")


@dataclass(frozen=True, slots=True)
class Starts:
    """The projects that a text names, each once and in its order, and the lines that name none that can be known."""

    names: tuple[NormalizedName, ...]
    passed_over: tuple[str, ...] = ()


def read_starts(text: str) -> Starts:
    """What ``text`` names: requirements, one a line, or plain names with commas or spaces between them.

    Paths, addresses without a name, ``-e`` and ``-r`` lines are passed over: what they install is not in the text.
    Other options are no requirement, and nothing is lost with them.
    """
    names: dict[NormalizedName, None] = {}
    passed_over = []
    for raw in _CONTINUED.sub(" ", text.removeprefix("\ufeff")).splitlines():
        line = _COMMENT.sub("", raw).strip()
        if not line:
            continue
        found = () if line.startswith("-") else _named(line)
        names.update(dict.fromkeys(found))
        if not found and not _is_mere_option(line):
            passed_over.append(line)
    return Starts(tuple(names), tuple(passed_over))


def require_starts(names: Iterable[NormalizedName]) -> tuple[NormalizedName, ...]:
    """The names, each once. `Refused` (``dependents.starts``) for none, and for more than `MOST_STARTS`."""
    found = tuple(dict.fromkeys(names))
    if not found:
        refuse("dependents.starts", "There is no project to start from.", "Name one, or give a requirements file.")
    if len(found) > MOST_STARTS:
        refuse(
            "dependents.starts",
            f"A question starts from at most {MOST_STARTS} projects, and these are {len(found)}.",
            "Ask about a part of them.",
            maximum=MOST_STARTS,
            given=len(found),
        )
    return found


def _named(line: str) -> tuple[NormalizedName, ...]:
    """The projects of one line; none where it is neither a requirement nor a list of names."""
    try:
        return (parse_name(Requirement(_OPTIONS.sub("", line)).name),)
    except (InvalidRequirement, Refused, RecursionError):  # the last: parentheses within parentheses, some hundred deep
        pass
    try:
        return tuple(parse_name(each) for each in re.split(r"[\s,]+", line) if each)
    except Refused:
        return ()


def _is_mere_option(line: str) -> bool:
    """Whether the line says only how to install: ``--index-url``, ``--no-binary``; ``-c`` installs nothing."""
    needs = ("-e", "--editable", "-r", "--requirement")
    return line.startswith("-") and not line.startswith(needs)

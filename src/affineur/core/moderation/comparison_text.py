"""Texts of strangers, laid beside each other and made visible.

Here live the lines of a text as Python and people count them, what stands for characters that cannot be seen, and
the difference of two texts, bounded in work and in lines. What does not live here: which texts are compared
(`comparison`).
Sources: `difflib` for the matching; Unicode TR 36 and CVE-2021-42574 for characters that hide or turn text around.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Side = Literal[" ", "-", "+"]

CONTEXT = 3
"""Lines shown around what differs."""
LONGEST_LINE = 1000
"""Characters of a line that are shown; of a longer one its beginning and its end."""
_END_SHOWN = 200
_BLANKS_SHOWN = 100

_END_OF_LINE = re.compile(r"\r\n|\r|\n")
# Controls but the tab, what is invisible or turns the direction, separators of lines, and halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BLANKS = re.compile(rf"(?<![ \t])[ \t]{{{_BLANKS_SHOWN},}}+")


class Line(NamedTuple):
    """A line of a difference; its number on each side, 0 where it is not there. ``text`` is as `shown` makes it."""

    side: Side
    old: int
    new: int
    text: str


@dataclass(frozen=True, slots=True)
class TextDiff:
    """What two texts differ in: hunks of lines with some of what is around them.

    ``added`` and ``removed`` count lines, those that are not shown included. ``note`` says what is not shown, or why
    there is nothing to show; "" where all is.
    """

    hunks: tuple[tuple[Line, ...], ...]
    added: int
    removed: int
    note: str = ""


class Effort:
    """What comparing may still cost: steps of matching, each some 100 ns; lines that are shown, and characters."""

    __slots__ = ("characters", "lines", "steps")

    def __init__(self, steps: int = 40_000_000, lines: int = 12_000, characters: int = 2_000_000) -> None:
        self.steps, self.lines, self.characters = steps, lines, characters


STEPS_OF_ONE = 15_000_000
LINES_OF_ONE = 2_000


def decoded(data: bytes) -> str:
    """A text whatever its bytes are: what is no UTF-8 is written as ``\\xff``."""
    return data.decode("utf-8", "backslashreplace")


def lines_of(text: str) -> list[str]:
    """The lines of a text as Python reads them: a lone CR ends one, too. The end of the last one makes no new line."""
    lines = _END_OF_LINE.split(text)
    return lines[:-1] if lines and not lines[-1] else lines


def shown(line: str) -> str:
    """A line as it is shown: what cannot be seen by its number, long blanks counted, its middle left out if long."""
    line = _BLANKS.sub(lambda run: f"⟨{len(run[0])} blanks⟩", line)
    if len(line) > LONGEST_LINE:
        left_out = len(line) - LONGEST_LINE
        line = f"{line[: LONGEST_LINE - _END_SHOWN]}⟨{left_out} characters⟩{line[-_END_SHOWN:]}"
    return _UNSEEN.sub(lambda unseen: f"⟨U+{ord(unseen[0]):04X}⟩", line)


def compare_texts(old: bytes, new: bytes, effort: Effort) -> TextDiff:
    """What ``new`` has that ``old`` has not, and the reverse. Takes what it costs from ``effort``."""
    before, after = lines_of(decoded(old)), lines_of(decoded(new))
    if before == after:
        return TextDiff((), 0, 0, "Only the ends of lines differ." if old != new else "")
    head, tail = _alike(before, after)
    # What is alike around the middle is left out of the matching, but for what is shown around it.
    start, end = max(0, head - CONTEXT), max(0, tail - CONTEXT)
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    steps = _steps(left, right)
    if steps > min(STEPS_OF_ONE, effort.steps):
        diff = _replaced(left, right, start)
    else:
        effort.steps -= steps
        diff = _matched(left, right, start)
    return _cut(diff, effort)


def _alike(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many lines are alike at the beginning, and how many of the rest at the end."""
    shorter = min(len(before), len(after))
    head = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    tail = next((at for at in range(shorter - head) if before[-1 - at] != after[-1 - at]), shorter - head)
    return head, tail


def _steps(left: Sequence[str], right: Sequence[str]) -> int:
    """What matching costs at worst: every pair of equal lines is looked at once for each block that is found.

    `difflib` passes over lines that make up more than one in a hundred of 200 or more.
    """
    counts = Counter(right)
    popular = len(right) // 100 + 1 if len(right) >= 200 else len(right)
    pairs = sum(count for line in left if (count := counts[line]) <= popular)
    return (pairs + len(left)) * max(1, min(len(left), len(right)) // 2)


def _matched(left: Sequence[str], right: Sequence[str], start: int) -> TextDiff:
    hunks, added, removed = [], 0, 0
    for group in SequenceMatcher(None, left, right).get_grouped_opcodes(CONTEXT):
        hunk: list[Line] = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                hunk += [
                    Line(" ", start + i + 1, start + j + 1, shown(left[i]))
                    for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
                ]
                continue
            removed, added = removed + i2 - i1, added + j2 - j1
            hunk += _one_sided("-", left, i1, i2, start)
            hunk += _one_sided("+", right, j1, j2, start)
        hunks.append(tuple(hunk))
    return TextDiff(tuple(hunks), added, removed)


def _replaced(left: Sequence[str], right: Sequence[str], start: int) -> TextDiff:
    """All of it as gone and come: for texts whose matching would take too long."""
    hunk = (
        *_one_sided("-", left[: LINES_OF_ONE // 2], 0, min(len(left), LINES_OF_ONE // 2), start),
        *_one_sided("+", right[:LINES_OF_ONE], 0, min(len(right), LINES_OF_ONE), start),
    )
    note = "These texts are too large and too different to be matched line by line."
    return TextDiff((hunk,), len(right), len(left), note)


def _one_sided(side: Literal["-", "+"], lines: Sequence[str], begin: int, end: int, start: int) -> list[Line]:
    return [
        Line(side, start + at + 1 if side == "-" else 0, start + at + 1 if side == "+" else 0, shown(lines[at]))
        for at in range(begin, end)
    ]


def _cut(diff: TextDiff, effort: Effort) -> TextDiff:
    """As many lines as may still be shown."""
    room, total = min(LINES_OF_ONE, effort.lines), sum(map(len, diff.hunks))
    kept: list[tuple[Line, ...]] = []
    for hunk in diff.hunks:
        lines = []
        for line in hunk[:room]:
            effort.characters -= len(line.text)
            if effort.characters < 0:
                room = 0
                break
            lines.append(line)
        if not lines:
            break
        kept.append(tuple(lines))
        room = max(0, room - len(lines))
    shown_lines = sum(map(len, kept))
    effort.lines -= shown_lines
    if shown_lines == total:
        return diff
    note = f"{diff.note} Shown are {shown_lines} of {total} lines.".strip()
    return TextDiff(tuple(kept), diff.added, diff.removed, note)


def unified(diff: TextDiff) -> str:
    """The difference as `diff -u` writes it, without the names of the files."""
    parts = []
    for hunk in diff.hunks:
        old = [line.old for line in hunk if line.old]
        new = [line.new for line in hunk if line.new]
        parts.append(f"@@ -{old[0] if old else 0},{len(old)} +{new[0] if new else 0},{len(new)} @@")
        parts += [f"{line.side}{line.text}" for line in hunk]
    return "\n".join((*parts, *((f"\\ {diff.note}",) if diff.note else ())))

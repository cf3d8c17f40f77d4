"""Two texts beside each other: what differs, what nobody could see, and how long it may take."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.moderation.comparison_text import (
    LINES_OF_ONE,
    Effort,
    TextDiff,
    compare_texts,
    decoded,
    lines_of,
    shown,
    unified,
)


def numbered(numbers: Iterable[int]) -> str:
    return "".join(f"{number}\n" for number in numbers)


def diff(old: str, new: str) -> TextDiff:
    return compare_texts(old.encode(), new.encode(), Effort())


def test_a_difference_has_the_numbers_of_both_sides_and_some_lines_around() -> None:
    old = "".join(f"{number}\n" for number in range(1, 101))
    found = diff(old, old.replace("50\n", "fifty\nand more\n"))
    assert unified(found) == "@@ -47,7 +47,8 @@\n 47\n 48\n 49\n-50\n+fifty\n+and more\n 51\n 52\n 53"
    assert (found.added, found.removed, found.note) == (2, 1, "")
    after = next(line for line in found.hunks[0] if line.text == "51")
    assert (after.old, after.new) == (51, 52)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b"),
        ("a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b"),
        ("a\n", "a\n", ""),
        ("", "", ""),
        ("a\nb\n", "a\r\nb", "\\ Only the ends of lines differ."),
        ("a", "a\nb", "@@ -1,1 +1,2 @@\n a\n+b"),
        ("# note\n", "# note\rimport evil\n", "@@ -1,1 +1,2 @@\n # note\n+import evil"),
    ],
)
def test_small_differences(old: str, new: str, said: str) -> None:
    assert unified(diff(old, new)) == said


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_a_difference_turns_one_text_into_the_other(old: list[str], new: list[str]) -> None:
    found = diff("".join(f"{line}\n" for line in old), "".join(f"{line}\n" for line in new))
    made, at = [], 0
    for hunk in found.hunks:
        begin = next((line.old for line in hunk if line.old), None)
        if begin is not None:
            made += old[at : begin - 1]
            at = begin - 1
        for line in hunk:
            at += line.side != "+"
            if line.side != "-":
                made.append(line.text)
    assert made + old[at:] == new


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plain\ttext ü 漢 🧀", "plain\ttext ü 漢 🧀"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("a\x0cb\x85c\u2028d", "a⟨U+000C⟩b⟨U+0085⟩c⟨U+2028⟩d"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("x" + " " * 300 + "; evil()", "x⟨300 blanks⟩; evil()"),
        ("x" * 1500 + "END", "x" * 800 + "⟨503 characters⟩" + "x" * 197 + "END"),
    ],
)
def test_what_cannot_be_seen_is_shown(line: str, said: str) -> None:
    assert shown(line) == said


def test_bytes_that_are_no_text_are_shown_by_their_number() -> None:
    assert decoded(b"caf\xe9") == "caf\\xe9"


def test_lines_end_where_python_ends_them() -> None:
    assert lines_of("a\rb\r\nc\nd\x0ce\u2028f\n") == ["a", "b", "c", "d\x0ce\u2028f"]


def test_a_long_difference_is_cut_and_says_so() -> None:
    found = diff("", "".join(f"{number}\n" for number in range(5000)))
    assert sum(map(len, found.hunks)) == LINES_OF_ONE
    assert (found.added, found.note) == (5000, f"Shown are {LINES_OF_ONE} of 5000 lines.")


def test_a_large_text_with_one_change_is_still_matched() -> None:
    old = "".join(f"line {number % 700}\n" for number in range(60_000))
    found = diff(old, old.replace("line 350\n", "line 350!\n", 1))
    assert (found.added, found.removed, found.note) == (1, 1, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (numbered(number % 60 for number in range(6000)), numbered(number * 7 % 60 for number in range(6000))),
        ("a\nb\n" * 3000, "b\na\nc\n" * 2000),
        (numbered(range(3000)).replace("\n", "\nx\n"), numbered(range(3000)).replace("\n", "\ny\n")),
        (numbered(range(6000)), numbered(range(6000, 0, -1))),
    ],
)  # fmt: skip
def test_no_pair_of_texts_keeps_anybody_waiting(old: str, new: str) -> None:
    begun = time.process_time()
    found = diff(old, new)
    assert time.process_time() - begun < 15
    assert found.added > 0


def test_many_texts_share_one_effort() -> None:
    effort = Effort(steps=1000, lines=30)
    old, new = "".join(f"{n}\n" for n in range(20)).encode(), "".join(f"{n}!\n" for n in range(20)).encode()
    first, second = compare_texts(old, new, effort), compare_texts(old, new, effort)
    assert sum(map(len, first.hunks)) == 30
    assert second.hunks == ()
    assert second.note.endswith("Shown are 0 of 40 lines.")


def test_long_lines_are_cut_off_by_their_characters() -> None:
    found = compare_texts(
        b"", b"".join(b"%d" % number + b"x" * 900 + b"\n" for number in range(50)), Effort(characters=9_500)
    )
    assert sum(map(len, found.hunks)) == 10
    assert found.note == "Shown are 10 of 50 lines."

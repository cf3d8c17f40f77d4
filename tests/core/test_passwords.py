"""Passwords: length, strength, the words of a person, and when two are the same."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affineur.core.people import passwords

STRONG = "plinth walrus copper 9 tide"


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("", "password.length"),
        ("pX7#kQ2!vZ9", "password.length"),  # 11
        ("pX7#kQ2!vZ9m", "password"),  # 12
        (STRONG, "password"),
        ("e\u0301" * 11, "password.length"),  # 22 code points, and 11 characters
        ("x" * 1025, "password.length"),
        ("\u00e9" * 5000, "password.length"),
        ("password1234", "password.guessable"),
        ("aaaaaaaaaaaaaaaaaaaa", "password.guessable"),
        ("qwertyuiopasdfgh", "password.guessable"),
        ("zebra gewölbe 雪だるま ключ", "password"),
        ("🦭 🧀 🪵 🛶 🪕 🧂 🦚", "password"),
    ],
)
def test_a_password_is_judged_by_length_and_guesses_alone(password: str, rule: str) -> None:
    decision = passwords.judge(password, (), breached=False)
    assert decision.rule == rule
    assert decision.allowed == (rule == "password")
    assert decision.allowed or decision.ways_out
    assert decision.allowed or len(password) < 3 or password not in decision.sentence


def test_the_longest_password_is_taken_and_judged_in_little_time() -> None:
    longest = (STRONG + " ") * 40
    longest = longest[: passwords.LONGEST]
    assert len(longest) == 1024
    assert passwords.judge(longest, (), breached=False).allowed


def test_a_breached_password_is_refused_however_strong() -> None:
    decision = passwords.judge(STRONG, (), breached=True)
    assert not decision.allowed
    assert decision.rule == "password.breached"
    assert "elsewhere" in decision.sentence


@pytest.mark.parametrize(
    "password",
    ["hrafnkelsson-2026", "Hrafnkelsson.Vidar", "vidarhrafnkelsson", "quillforge.example", "quillforge quillforge"],
)
def test_what_anybody_knows_of_a_person_makes_no_password(password: str) -> None:
    about = ("hrafnkelsson", "Vidar Hrafnkelsson", "vidar@quillforge.example")
    assert passwords.judge(password, (), breached=False).allowed or "quillforge quill" in password
    decision = passwords.judge(password, about, breached=False)
    assert decision.rule == "password.guessable"
    assert "about you" in decision.reason


@pytest.mark.parametrize(
    "password", ["hrafnkelsson kx82mq1v", "ada zebra gewölbe", "Com-Wv7tKx9QpL", "org🦭🧀🪵🛶 plinth walrus"]
)
def test_a_password_may_hold_a_known_word_beside_enough_others(password: str) -> None:
    about = ("hrafnkelsson", "Ada", "ada@example.org", "com")
    assert passwords.judge(password, about, breached=False).allowed


def test_words_about_a_person_are_whole_and_in_parts_and_bounded() -> None:
    words = passwords.words_about(["Ada_L", "ada.lovelace@example.org", "o'x"])
    assert words == ["ada_l", "ada.lovelace@example.org", "o'x", "ada", "lovelace", "example", "org"]
    assert len(passwords.words_about([f"word{number}" for number in range(200)])) == 50
    assert all(len(word) <= 100 for word in passwords.words_about(["x" * 9999]))


def test_words_of_two_people_judged_at_once_are_not_mixed_up() -> None:
    """zxcvbn has one table for the words of whoever it judges; two threads would share it."""
    people = {"hrafnkelsson": True, "bartholomeusz": True}
    mixed: list[str] = []
    until = time.monotonic() + 1

    def judge(name: str, other: str) -> None:
        while time.monotonic() < until:
            if passwords.judge(f"{name}-2026", [name], breached=False).allowed:
                mixed.append(name)
            if not passwords.judge(f"{other}-2026", [name], breached=False).allowed:
                mixed.append(other)

    first, second = people
    threads = [threading.Thread(target=judge, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []


def test_composed_and_decomposed_characters_are_the_same_password_and_nothing_else_is() -> None:
    assert passwords.prepare("cafe\u0301 corridor") == passwords.prepare("caf\u00e9 corridor")
    assert passwords.prepare("\ufb01nal") != passwords.prepare("final")
    assert passwords.prepare("x\u00b2") != passwords.prepare("x2")
    assert passwords.prepare(" Secret ") == " Secret "


@pytest.mark.parametrize(
    ("password", "possible"),
    [("", False), ("x", True), ("x" * 1024, True), ("x" * 1025, False), ("e\u0301" * 1024, True), ("x" * 10**6, False)],
)
def test_only_lengths_that_can_be_chosen_are_worth_hashing(password: str, possible: bool) -> None:
    assert passwords.is_possible(password) is possible


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.lists(st.text(max_size=30), max_size=5))
def test_any_text_at_all_can_be_judged(password: str, about: list[str]) -> None:
    decision = passwords.judge(password, about, breached=False)
    assert decision.allowed or decision.ways_out

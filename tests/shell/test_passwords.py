"""Hashing with real argon2, the line in front of it, and lists of breached passwords."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from tests.coroutines import run

from affineur.core.decision import Refused
from affineur.core.people.passwords import LONGEST
from affineur.shell import passwords
from affineur.shell.passwords import PasswordWork, breach_list_fault, hash_password, is_breached, verify

PASSWORD = "plinth walrus copper 9 tide"


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


def test_a_hash_is_argon2id_with_the_parameters_that_are_said(hashed: str) -> None:
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert len(hashed) == 97
    parameters = extract_parameters(hashed)
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)
    assert hash_password(PASSWORD) != hashed


@pytest.mark.parametrize(
    ("password", "right"),
    [
        (PASSWORD, True),
        (PASSWORD + " ", False),
        (PASSWORD.upper(), False),
        ("", False),
        ("x" * (LONGEST + 1), False),
    ],
)
def test_only_the_very_password_verifies(hashed: str, password: str, right: bool) -> None:
    assert verify(hashed, password) == (right, False)


def test_the_last_of_1024_characters_counts() -> None:
    longest = "x" * LONGEST
    stored = hash_password(longest)
    assert verify(stored, longest) == (True, False)
    assert verify(stored, longest[:-1] + "y") == (False, False)


def test_either_way_of_typing_an_accent_verifies() -> None:
    assert verify(hash_password("cafe\u0301 corridor"), "caf\u00e9 corridor") == (True, False)


def test_half_of_a_surrogate_pair_is_a_character_like_any_other() -> None:
    stored = hash_password("\ud83e plinth walrus")
    assert verify(stored, "\ud83e plinth walrus") == (True, False)
    assert verify(stored, "? plinth walrus") == (False, False)


def test_a_hash_of_weaker_days_verifies_and_wants_to_be_renewed() -> None:
    weak = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)
    assert verify(weak, PASSWORD) == (True, True)
    assert verify(weak, "another") == (False, False)


@pytest.mark.parametrize("stored", ["", "!", "$2b$12$abc", "$argon2id$v=19$m=65536,t=3,p=1$", "plain text"])
def test_what_is_no_hash_fits_no_password(stored: str) -> None:
    assert verify(stored, PASSWORD) == (False, False)
    assert verify(stored, stored) == (False, False)


def test_nobodys_hash_costs_what_anybodys_does(hashed: str) -> None:
    assert extract_parameters(passwords._NOBODYS) == extract_parameters(hashed)
    assert verify(passwords._NOBODYS, PASSWORD) == (False, False)

    def cost(password: str, stored: str | None) -> float:
        begun = time.thread_time()
        _ = passwords.burn(password) if stored is None else verify(stored, password)
        return time.thread_time() - begun

    known = min(cost("wrong", hashed) for _ in range(3))
    for password, stored in (("wrong", None), ("", hashed), ("x" * 10**6, hashed), ("", None), ("wrong", "no hash")):
        assert 0.5 < min(cost(password, stored) for _ in range(3)) / known < 2


def test_work_is_done_in_a_thread_and_the_loop_goes_on() -> None:
    async def scene() -> tuple[tuple[bool, bool], tuple[bool, bool], int]:
        work = PasswordWork()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        stored = await work.hash(PASSWORD)
        right, wrong = await work.verify(stored, PASSWORD), await work.verify(None, PASSWORD)
        ticking.cancel()
        work.close()
        return right, wrong, ticks

    right, wrong, ticks = run(scene())
    assert right == (True, False)
    assert wrong == (False, False)
    assert ticks >= 5


def test_a_full_line_refuses_at_once_and_lets_in_again_when_it_moves() -> None:
    async def scene() -> None:
        work, gate = PasswordWork(at_once=1, waiting=2), threading.Event()
        inside = [asyncio.ensure_future(work._run(gate.wait, 30)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await work.verify(None, PASSWORD)
        assert refused.value.decision.rule == "signin.busy"
        assert refused.value.decision.facts["retry_after_seconds"] == 5
        gate.set()
        assert await asyncio.gather(*inside) == [True] * 3
        assert await work.verify(None, PASSWORD) == (False, False)
        assert work._taken == 0
        work.close()

    run(scene())


def test_who_goes_away_frees_a_place_in_line_but_not_the_memory_of_what_runs() -> None:
    async def scene() -> None:
        work, begun, gate = PasswordWork(at_once=1, waiting=1), threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            gate.wait(30)

        running = asyncio.ensure_future(work._run(hold))
        waiting = asyncio.ensure_future(work._run(hold))
        assert await asyncio.to_thread(begun.wait, 30)
        for task in (waiting, running):
            task.cancel()
        await asyncio.gather(waiting, running, return_exceptions=True)
        assert work._taken == 1
        gate.set()
        assert await work.verify(None, PASSWORD) == (False, False)
        assert work._taken == 0
        work.close()

    run(scene())


def test_an_error_in_the_work_is_the_callers_and_frees_the_place() -> None:
    async def scene() -> None:
        work = PasswordWork()
        with pytest.raises(FileNotFoundError):
            await work.judge(PASSWORD, (), "no/such/list")
        assert work._taken == 0
        work.close()
        with pytest.raises(RuntimeError):
            await work.hash(PASSWORD)
        assert work._taken == 0

    run(scene())


def test_work_judges_with_the_list_of_breached_passwords(tmp_path: Path) -> None:
    listed = breach_list(tmp_path, [PASSWORD])

    async def scene() -> list[str]:
        work = PasswordWork()
        found = [
            (await work.judge(PASSWORD, (), listed)).rule,
            (await work.judge(PASSWORD, (), "")).rule,
            (await work.judge(PASSWORD + "!", (), listed)).rule,
        ]
        work.close()
        return found

    assert run(scene()) == ["password.breached", "password", "password"]


def digest(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


def breach_list(folder: Path, known: list[str], line: str = "{}:{}\r\n", others: int = 0, last: str = "\n") -> str:
    path = folder / "breached.txt"
    digests = sorted({digest(each) for each in known} | {digest(f"other {number}") for number in range(others)})
    text = "".join(line.format(each, number**5 + 1) for number, each in enumerate(digests))
    path.write_text(text.rstrip("\r\n") + last, encoding="ascii", newline="")
    return str(path)


@pytest.mark.parametrize("line", ["{}:{}\r\n", "{}:{}\n", "{}\n"])
@pytest.mark.parametrize("others", [0, 1, 2, 7, 2000])
@pytest.mark.parametrize("last", ["\n", ""])
def test_a_password_on_the_list_is_found_and_another_is_not(tmp_path: Path, line: str, others: int, last: str) -> None:
    known = ["password1234", "grüße an alle"]
    path = breach_list(tmp_path, known, line, others, last)
    assert breach_list_fault(path) is None
    assert all(is_breached(path, each) for each in known)
    assert all(is_breached(path, f"other {number}") for number in range(others))
    assert not any(is_breached(path, f"nobody has {number}") for number in range(300))


def test_first_and_last_line_of_a_list_are_found_and_what_would_stand_beside_them_is_not(tmp_path: Path) -> None:
    ordered = sorted((f"word {number}" for number in range(100)), key=digest)
    path = breach_list(tmp_path, ordered[1:-1])
    assert is_breached(path, ordered[1])
    assert is_breached(path, ordered[-2])
    assert not is_breached(path, ordered[0])
    assert not is_breached(path, ordered[-1])


def test_a_list_in_lower_case_serves_too(tmp_path: Path) -> None:
    path = Path(breach_list(tmp_path, ["password1234"], others=20))
    path.write_text(path.read_text().lower())
    assert is_breached(str(path), "password1234")


def test_an_empty_list_and_no_list_know_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert not is_breached(str(tmp_path / "empty"), PASSWORD)
    assert not is_breached("", PASSWORD)


def test_a_large_list_is_searched_in_few_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = breach_list(tmp_path, ["password1234"], others=50_000)
    reads, pread = 0, os.pread

    def counting(*args: int) -> bytes:
        nonlocal reads
        reads += 1
        return pread(*args)

    monkeypatch.setattr(os, "pread", counting)
    assert is_breached(path, "password1234")
    assert not is_breached(path, PASSWORD)
    assert reads <= 2 * 22  # log2 of 2.3 MB


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "SHA-1"),
        (b"password\n123456\n", "SHA-1"),
        (b"5f4dcc3b5aa765d61d8327deb882cf99:3\n", "SHA-1"),  # MD5
        (b"".join(sorted((digest(str(n)).encode() + b"\n" for n in range(500)), reverse=True)), "sorted"),
    ],
)
def test_a_list_that_is_of_no_use_is_found_out_at_the_start(tmp_path: Path, text: bytes, why: str) -> None:
    (tmp_path / "list").write_bytes(text)
    fault = breach_list_fault(str(tmp_path / "list"))
    assert fault is not None
    assert fault.rule == "password.breach-list"
    assert why in fault.reason


def test_a_list_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    fault = breach_list_fault(str(tmp_path / "list"))
    assert fault is not None
    assert "cannot be opened" in fault.reason
    with pytest.raises(FileNotFoundError):
        is_breached(str(tmp_path / "list"), PASSWORD)


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    fault = breach_list_fault(str(tmp_path))
    assert fault is not None
    assert "cannot be read" in fault.reason

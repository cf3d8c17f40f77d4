"""Hashing passwords, off the event loop and never more at once than the machine has room for; and breach lists.

What does not live here: which passwords may be chosen (`core.people.passwords`), and how often one may guess
(`core.people.throttle`). Sources: RFC 9106, OWASP Password Storage Cheat Sheet; `docs/adr/0016`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from affineur.core.decision import Decision, deny, refuse
from affineur.core.people.passwords import is_possible, judge, prepare

_P = ParamSpec("_P")
_T = TypeVar("_T")

MEMORY_KIB = 64 * 1024
PASSES = 3
LANES = 1
_NICENESS = 10

# RFC 9106 §4, second recommended option: 64 MiB and 3 passes, 128-bit salt, 256-bit tag; but one lane instead of
# four, so that a sign-in takes one core for 0.15 s, and not every core from the readers. Memory and work, which is
# what an attacker pays for, are the same. OWASP's least (19 MiB, 2 passes) is a sixth of it.
_HASHER = PasswordHasher(PASSES, MEMORY_KIB, LANES, hash_len=32, salt_len=16, encoding="utf-8", type=Type.ID)

# Hash of 32 random bytes that were thrown away, with the parameters above: what no password fits.
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=1$lziptydo0D9VgR2E/1yZnw$Qwk+3qVY13UQPz7vfPMKa4t45rjMoM4kQvSyHrRCnkg"


def hash_password(password: str) -> str:
    """The argon2id hash of ``password`` with a new salt, in PHC format (97 characters). 64 MiB, about 0.15 s."""
    return _HASHER.hash(_encode(password))


def verify(hashed: str, password: str) -> tuple[bool, bool]:
    """Whether ``password`` is the one of ``hashed``, and whether it should then be hashed anew (parameters changed).

    A stored value that is no argon2 hash fits no password (and takes as long as one that does).
    """
    if not is_possible(password):
        burn(password)
        return False, False
    try:
        _HASHER.verify(hashed, _encode(password))
    except InvalidHashError:
        burn(password)
        return False, False
    except VerificationError:
        return False, False
    return True, _HASHER.check_needs_rehash(hashed)


def burn(password: str) -> None:
    """Take as long as `verify` does, for an account that does not exist or has no password.

    Otherwise the time of an answer would tell which accounts exist.
    """
    try:
        _HASHER.verify(_NOBODYS, _encode(password) if is_possible(password) else b"")
    except VerificationError:
        return


class PasswordWork:
    """Threads in which passwords are hashed, verified and judged, and the line in front of them.

    Each costs 64 MiB while it runs: ``at_once`` of them bound the memory of this process, and ``waiting`` in line
    bound the time (16 × 0.15 s ≈ 2.5 s). argon2 runs without Python's lock, so requests are answered meanwhile.
    Threads begin with the first work: an object made before a fork is fit for use after it. Where the processors
    do not suffice for everybody, the threads stand back behind those who read (`_stand_back`).
    """

    def __init__(self, at_once: int = 1, waiting: int = 16) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords", initializer=_stand_back)
        self._most = at_once + waiting
        self._lock = threading.Lock()
        self._taken = 0

    async def hash(self, password: str) -> str:
        """`hash_password` in a thread; `Refused` (``signin.busy``) where the line is full. So the others here."""
        return await self._run(hash_password, password)

    async def verify(self, hashed: str | None, password: str) -> tuple[bool, bool]:
        """`verify` in a thread; with None for ``hashed`` (no such account, no password): `burn`, then no."""
        if hashed is None:
            await self._run(burn, password)
            return False, False
        return await self._run(verify, hashed, password)

    async def judge(self, password: str, about: Collection[str], breach_list: str = "") -> Decision:
        """`core.people.passwords.judge` in a thread, with the look into ``breach_list`` (a path; empty: none)."""
        return await self._run(_judge, password, about, breach_list)

    def require_room(self) -> None:
        """`Refused` (``signin.busy``) where the line is full: asked first of all, a storm costs next to nothing."""
        if self._taken >= self._most:
            refuse(
                "signin.busy",
                "Too many people are signing in at this moment.",
                "Try again in a few seconds.",
                retry_after_seconds=5,
            )

    def close(self) -> None:
        """End the threads; what is waiting in line is cancelled, what runs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        with self._lock:
            self.require_room()
            self._taken += 1
        try:
            future = self._threads.submit(function, *args, **kwargs)
        except RuntimeError:  # closed
            self._leave()
            raise
        # When the work has ended, not when its caller has gone away: the memory is taken for as long as it runs.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: Future[_T] | None = None) -> None:
        with self._lock:
            self._taken -= 1


def _stand_back() -> None:
    """Give this thread a tenth of the share of a processor that others have who want it at the same time (nice 10).

    Niceness is a thread's own on Linux; elsewhere it would be the whole process's, so there nothing is done.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def is_breached(path: str, password: str) -> bool:
    """Whether ``password`` is in the list at ``path``; False for an empty path. Raises OSError where it cannot be read.

    The list: one SHA-1 in hex on each line, sorted, each with ``:`` and a count or without: what breach services
    publish. It is searched on disk by halving: about 36 reads of 256 bytes for a list of 40 GB. SHA-1 is what these
    lists are made of; nothing is kept of it.
    """
    if not path or not is_possible(password):
        return False
    wanted = hashlib.sha1(_encode(password), usedforsecurity=False).hexdigest().upper().encode()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _find(descriptor, wanted)
    finally:
        os.close(descriptor)


def breach_list_fault(path: str) -> Decision | None:
    """What is wrong with the list at ``path``, for the start of the program; None where nothing is found.

    A few dozen lines are looked at, spread over the file: whether they are SHA-1 and in order.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return _unfit(path, f"it cannot be opened ({error.strerror})")
    try:
        size = os.fstat(descriptor).st_size
        seen = [_line_at(descriptor, size * part // 64)[1] for part in range(64)]
    except OSError as error:  # a folder can be opened
        return _unfit(path, f"it cannot be read ({error.strerror})")
    finally:
        os.close(descriptor)
    found = [digest for digest in seen if digest]
    if not found or any(len(digest) != _SHA1_DIGITS or set(digest) - set(b"0123456789ABCDEF") for digest in found):
        return _unfit(path, "its lines do not begin with a SHA-1 in hex")
    return None if found == sorted(found) else _unfit(path, "it is not sorted")


_SHA1_DIGITS = 40
_BLOCK_BYTES = 256  # two lines at least: 40 digits, a colon, a count, an end


def _find(descriptor: int, wanted: bytes) -> bool:
    """Halve ``[low, high)``, byte offsets, between which the line of ``wanted`` begins if there is one."""
    low, high = 0, os.fstat(descriptor).st_size
    while low < high:
        middle = (low + high) // 2
        start, digest = _line_at(descriptor, middle)
        if digest == wanted:
            return True
        if not digest or digest > wanted:
            high = middle
        else:
            low = start + 1
    return False


def _line_at(descriptor: int, offset: int) -> tuple[int, bytes]:
    """Start and digest of the first line that begins at ``offset`` or after it; no digest: there is none."""
    # From the byte before: a line that begins at the offset itself has its predecessor's end there.
    before = max(0, offset - 1)
    block = os.pread(descriptor, _BLOCK_BYTES, before)
    skipped = 0 if offset == 0 else block.find(b"\n") + 1
    if offset and not skipped:
        return before + len(block), b""
    line = block[skipped:].partition(b"\n")[0]
    return before + skipped, line.partition(b":")[0].strip().upper()


def _judge(password: str, about: Collection[str], breach_list: str) -> Decision:
    return judge(password, about, is_breached(breach_list, password))


def _encode(password: str) -> bytes:
    # Half of a surrogate pair, which a broken client may send, is hashed as it is rather than an error.
    return prepare(password).encode("utf-8", "surrogatepass")


def _unfit(path: str, why: str) -> Decision:
    return deny(
        "password.breach-list",
        f"The list of breached passwords at {path} is of no use: {why}.",
        "Give the path of a sorted list of SHA-1 hashes in the setting breached_passwords, or leave it empty.",
    )

"""Accounts: which names people may take, and when two names or two addresses are the same.

What does not live here: whether a name is taken (the store knows), passwords (`passwords`), what an account may do
(`access`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from ..access import Actor
from ..decision import Decision, allow, deny, refuse

LONGEST_NAME = 100
LONGEST_CHOSEN_NAME = 40
"""Characters of a name that people choose for themselves: it is shown beside others."""

MOST_ADDRESSES = 10
"""Of one account, those included whose link was not opened yet."""

NOBODY = Actor(account_id=None, name="", actions=frozenset())
"""Somebody who is not signed in: may do nothing, and is named by no name in the log."""

Registration = Literal["open", "invitation", "closed"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}\Z", re.ASCII)
_CHOSEN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z", re.ASCII)
_LOOKALIKE = str.maketrans({"l": "1", "i": "1", "o": "0", "-": None, "_": None, ".": None})

RESERVED = frozenset(
    (
        *("abuse", "account", "accounts", "admin", "admins", "administrator", "affineur", "anonymous", "api"),
        *("auditor", "everyone", "help", "hostmaster", "index", "info", "legal", "login", "mail", "me"),
        *("mailer-daemon", "moderator", "moderators", "moderation", "no-reply", "nobody", "none", "null"),
        *("official", "operator", "operators", "owner", "postmaster", "pypi", "robot", "root", "security", "self"),
        *("service", "staff", "support", "sysadmin", "system", "team", "test", "tester", "token", "undefined"),
        *("unknown", "user", "users", "webmaster"),
    )
)
"""Names that would speak for the index, or that programs and mailboxes take for something else (RFC 2142)."""


def require_name(name: str) -> None:
    """`Refused` (``account.name``) unless ``name`` can be the name of an account at all: what the console may give."""
    if not _NAME.match(name):
        refuse(
            "account.name",
            f"{name[:100]!a} cannot be the name of an account.",
            f"Use up to {LONGEST_NAME} ASCII letters, digits and `.`, `_`, `@`, `+`, `-`, "
            "starting with a letter or digit.",
        )


def unknown(name: str, *ways_out: str) -> Decision:
    """That there is no account ``name``: ``account.exists``."""
    reason = f"There is no account {name[:100]!a} on this index."
    return deny("account.exists", reason, *(ways_out or ("Check its name.",)))


def name_key(name: str) -> str:
    """What names are compared by: ``Ann`` is ``ann``."""
    return name.lower()


def lookalike_key(name: str) -> str:
    """A key that names easily mistaken for each other share: ``l``/``i``/``1``, ``o``/``0``, separators, case."""
    return name.lower().translate(_LOOKALIKE)


_RESERVED_KEYS = frozenset(map(lookalike_key, RESERVED))


def chosen_name(name: str, taken: bool, similar: str | None) -> Decision:
    """Whether somebody may choose ``name`` for themselves.

    ``taken``: it belongs, or once belonged, to an account. ``similar``: an account whose `lookalike_key` is the
    same. Refused by ``account.name``, ``account.reserved``, ``account.taken`` and ``account.lookalike``. Names are
    public (they stand beside projects), so that one is taken is no secret; addresses are.
    """
    if not _CHOSEN.match(name) or not 2 <= len(name) <= LONGEST_CHOSEN_NAME:
        return deny(
            "account.name",
            f"{name[:80]!a} cannot be the name of an account.",
            f"Use 2 to {LONGEST_CHOSEN_NAME} ASCII letters, digits, '.', '_' and '-'; "
            "the first and the last is a letter or digit.",
            length=len(name),
        )
    if lookalike_key(name) in _RESERVED_KEYS:
        return deny("account.reserved", f"The name '{name}' would speak for the index itself.", "Choose another name.")
    if taken:
        return deny(
            "account.taken",
            f"The name '{name}' belongs, or once belonged, to somebody.",
            "Choose another name; or sign in, if it is yours.",
        )
    if similar is not None:
        return deny(
            "account.lookalike",
            f"The name '{name}' could be mistaken for that of an existing account.",
            "Choose a name that differs in more than l, i and 1, o and 0, or separators.",
        )
    return allow("account.name")


def registration(setting: Registration, invited: bool) -> Decision:
    """Whether somebody may make an account for themselves. Refused by ``register.closed``, ``register.invitation``."""
    if setting == "closed":
        return deny(
            "register.closed",
            "Nobody can make an account on this index by themselves.",
            "An operator makes one with `affineur account create`, or changes the setting registration.",
        )
    if setting == "invitation" and not invited:
        return deny(
            "register.invitation",
            "An account on this index takes an invitation.",
            "Ask an operator for one: they send it to your e-mail address.",
        )
    return allow("register")


def address_key(address: str) -> str:
    """What e-mail addresses are compared by: NFC and lower case.

    Servers may tell ``Ann@`` from ``ann@`` (RFC 5321 §2.4); hardly one does, and two accounts for one mailbox are
    worse. For comparing only: mail goes to the address as its holder wrote it.
    """
    return unicodedata.normalize("NFC", address.strip()).lower()

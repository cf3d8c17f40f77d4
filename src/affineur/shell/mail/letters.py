"""Which letters there are and what each has to be told; what may be put into the outbox is judged here.

What does not live here: what a letter says (`templates/`, one file each; `rendering`).

Values are JSON: text, whole numbers, lists of text, aware datetimes, or None where the table below says so.
``link`` (works once) and ``page`` are paths below the index's own address, such as ``account/verify?ticket=…``:
the address itself is added when the mail is written, from the settings. So no request, whatever its Host header
says, can make a mail point elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address

LONGEST_ADDRESS = 254
"""Characters of an address: a path in SMTP has at most 256 octets with its angle brackets (RFC 5321 §4.5.3.1.3)."""

PATHS = frozenset({"link", "page"})
"""Names of values that are paths below the index's address."""

_PERSON = frozenset({"account", "at"})
_FACTOR = _PERSON | {"name", "kind"}
_ADDRESS = _PERSON | {"address"}
_ROLE = frozenset({"project", "role", "account"})
_EVIDENCE = {"installers", "chains", "day", "beside"}
_FOLLOWS = {"protects", "delays", "notice_days", "unchanged", "exits"}
_PUBLISHER = frozenset({"project", "publisher", "by", "at"})

TEMPLATES: Mapping[str, frozenset[str]] = {
    # registering and addresses
    "verify-email": frozenset({"account", "link", "minutes"}),
    "registration": frozenset({"link", "minutes"}),
    "welcome": frozenset({"account"}),
    "registration-invitation": frozenset({"link", "inviter", "expires_at"}),
    "address-taken": frozenset({"at"}),
    "email-added": _ADDRESS,
    "email-removed": _ADDRESS,
    "primary-changed": _ADDRESS,
    # signing in
    "password-reset": frozenset({"account", "link", "minutes", "place"}),
    "password-changed": _PERSON | {"place"},
    "new-device": _PERSON | {"device", "place"},
    "session-note": _PERSON | {"note", "place"},  # note: one sentence about what happened to sessions
    # second factors and recovery
    "factor-added": _FACTOR,
    "factor-removed": _FACTOR,
    "factor-removal-scheduled": frozenset({"account", "name", "kind", "due_at", "page"}),
    "factor-suspended": _FACTOR,
    "factor-ladder": frozenset({"account", "days_left", "on", "affected", "unaffected", "projects"}),
    "recovery-codes-used": _PERSON | {"left", "place"},
    "recovery-opened": _PERSON | {"due_at", "place", "page"},
    "recovery-vouched": frozenset({"account", "by", "due_at", "page"}),
    "recovery-codes-made": _PERSON | {"place"},
    "recovery-asked": _PERSON | {"link", "minutes", "place"},
    "recovery-cancelled": _PERSON | {"place"},
    "recovery-done": _PERSON | {"tokens"},  # tokens: the names of those that stay
    # tokens and publishers
    "token-created": _PERSON | {"label", "scope", "expires_at"},  # expires_at: None where it does not end
    "token-disclosed": _PERSON | {"label", "found_in", "reported_by"},
    "publisher-added": _PUBLISHER,
    "publisher-removed": _PUBLISHER,
    "publisher-confirmed": _PUBLISHER,
    "publishers-to-confirm": frozenset({"project", "publishers", "at", "page"}),
    "publishers-only-on": frozenset({"project", "by", "at"}),
    "publishers-only-off-scheduled": frozenset({"project", "by", "due_at", "page"}),
    "publishers-only-off": frozenset({"project", "at"}),
    "pending-publisher-expiring": frozenset({"project", "publisher", "expires_at"}),
    # roles
    "role-invitation": frozenset({"project", "role", "by", "expires_at", "page"}),
    "invitation-answered": _ROLE | {"answer", "at"},  # answer: "accepted" or "refused"
    "role-granted": _ROLE | {"by", "at"},
    "role-removed": _ROLE | {"by", "at"},
    "role-kept": _PERSON | {"project", "by"},
    "removal-proposed": _ROLE | {"by", "reason", "due_at", "page"},
    "removal-objected": _ROLE | {"objection", "at"},
    "removal-done": _ROLE | {"at"},
    "left-project": _ROLE | {"at"},
    "relay-message": frozenset({"sender", "project", "topic", "text"}),
    "sponsor-short": frozenset({"machine", "sponsors", "until"}),
    "sponsor-invitation": frozenset({"account", "machine", "by", "expires_at", "page"}),
    # the life of a project; why: None where an owner said so
    "state-changed": frozenset({"project", "what", "means", "reason", "by", "at", "page"}),
    "unarchive-asked": frozenset({"project", "by", "due_at", "page"}),
    "unarchive-cancelled": frozenset({"project", "by", "why", "at"}),
    "named-as-replacement": frozenset({"project", "instead_of", "versions", "at", "page"}),
    "dependency-deprecated": frozenset({"project", "projects", "reason", "at", "page"}),  # projects: the reader's own
    "files-yanked": frozenset({"project", "yanked", "files", "reason", "by", "at", "page"}),  # yanked: or taken back
    # its class of impact; beside: what its owners said of it, or None
    "impact-critical": frozenset({"project", "reasons", "at", "page"} | _EVIDENCE | _FOLLOWS),
    "impact-ended": frozenset({"project", "impact", "at", "page"}),
    "voucher-offer": frozenset({"title", "text", "whom", "until", "page"}),  # whom: for whom it is, in a sentence
    # holds
    "held": frozenset({"project", "what", "kind", "code", "reason", "evidence", "case", "at", "page"}),
    "hold-lifted": frozenset({"project", "what", "case", "at"}),
    # cases; verdict: "upheld" or "dismissed"; outcome: "lifted" or "kept"
    "report-urgent": frozenset({"project", "case", "what", "why", "at", "page"}),
    "report-decided": frozenset({"project", "case", "verdict", "at", "page"}),
    "reviews-overdue": frozenset({"cases", "at", "page"}),
    "appeal-filed": frozenset({"project", "case", "by", "text", "at", "page"}),
    "appeal-answered": frozenset({"project", "case", "outcome", "text", "at", "page"}),
    # webhooks; project: None for one of the whole index
    "webhook-added": frozenset({"project", "host", "by", "at", "page"}),
    "webhook-off": frozenset({"project", "host", "since", "why", "at", "page"}),
    # accounts
    "account-frozen": _PERSON | {"reason"},
    "account-thawed": _PERSON,
    "account-deleted": _PERSON,
    "office-changed": _PERSON | {"office", "by"},  # office: None where it was taken back
    # the post itself
    "test": frozenset({"at"}),
}
"""Each letter's name and the names of the values it needs: all of them, and no others."""


class UnfitMail(ValueError):
    """A mail that could never be sent: a fault of the caller. Says which letter and value, never what is in it."""


def require_fit(to_address: str, template: str, values: Mapping[str, object]) -> None:
    """Raise `UnfitMail` unless ``to_address`` is one address and ``values`` are what ``template`` needs."""
    require_address(to_address)
    needed = TEMPLATES.get(template)
    if needed is None:
        raise UnfitMail(f"There is no letter {template!r}.")
    if missing := needed - values.keys():
        raise UnfitMail(f"The letter {template!r} lacks {', '.join(sorted(missing))}.")
    if unknown := values.keys() - needed:
        raise UnfitMail(f"The letter {template!r} does not know {', '.join(sorted(unknown))}.")
    for name, value in values.items():
        _require_kind(template, name, value)


def require_address(text: str) -> None:
    """Raise `UnfitMail` unless ``text`` is exactly one address, ``local@domain`` (RFC 5322 §3.4.1).

    Anything that a header could read as two recipients, a display name, a comment or another header is refused.
    Letters outside ASCII are allowed (RFC 6531); whether they arrive is up to the servers on the way.
    """
    # The parser below complains about each letter outside ASCII; what else is wrong with an address shows without.
    plain = "".join(character if character.isascii() else "x" for character in text)
    try:
        is_one = Address(addr_spec=plain).addr_spec == plain
    except (ValueError, MessageError, IndexError):  # an IndexError is how the parser greets an empty text
        is_one = False
    if not is_one or len(text) > LONGEST_ADDRESS or not text.isprintable():
        raise UnfitMail("What was given as the recipient is not one e-mail address.")


def _require_kind(template: str, name: str, value: object) -> None:
    if name in PATHS and not (isinstance(value, str) and _is_path(value)):
        raise UnfitMail(f"{name} of the letter {template!r} must be a path below the index's address.")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise UnfitMail(f"{name} of the letter {template!r} must be an aware datetime.")
    plain = value is None or isinstance(value, str | int | datetime)
    if not plain and not (isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)):
        raise UnfitMail(f"{name} of the letter {template!r} must be text, a whole number, a moment or a list of text.")


def _is_path(text: str) -> bool:
    """Whether ``text`` stays below an address it is appended to: no scheme, no host, nothing that ends a line."""
    scheme_like = ":" in text.partition("/")[0].partition("?")[0]
    return not (scheme_like or text.startswith("//") or "\\" in text or not text.isprintable() or " " in text)

"""The setting ``publisher_issuers``: further issuers, as an operator writes them.

One a line: ``gitlab https://git.example.org`` for another instance of a known kind, or ``name url claim claim? id!``
for any OpenID Connect issuer with the claims that name a job there. With ``?`` a publisher may leave a claim open;
one with ``!`` is learned from its first token and has to stay (ids that are never given twice). Empty lines, and
lines that begin with ``#``, are skipped.
What does not live here: what an issuer has to be (`issuers`), and reading settings (`settings`).
"""

from __future__ import annotations

from functools import lru_cache

from ..decision import Refused, refuse
from .issuers import KINDS, AdmittedIssuer, admitted_issuers

_KNOWN = tuple(kind for kind in KINDS if kind != "oidc")


@lru_cache(maxsize=4)
def admitted_by(setting: str) -> tuple[AdmittedIssuer, ...]:
    """The issuers an index listens to: the four known ones and those of the setting ``publisher_issuers``.

    `Refused` (``publisher.setting``) names the line that is wrong.
    """
    lines = [(number, line.split()) for number, line in enumerate(setting.splitlines(), 1)]
    entries: list[dict[str, object]] = []
    for number, words in lines:
        if not words or words[0].startswith("#"):
            continue
        entries.append(_entry(number, words))
        try:  # one by one, so that the refusal can name the line
            admitted_issuers(_KNOWN, entries)
        except Refused as refused:
            refuse("publisher.setting", f"Line {number} of publisher_issuers: {refused.decision.reason}", line=number)
    return admitted_issuers(_KNOWN, entries)


def _entry(number: int, words: list[str]) -> dict[str, object]:
    """A line as facts of `issuers.admit`."""
    if len(words) < 2:
        refuse(
            "publisher.setting",
            f"Line {number} of publisher_issuers needs a name and an address.",
            "Write `gitlab https://…`, or `name https://… claim claim? id!`.",
            line=number,
        )
    name, url, *claims = words
    if name in _KNOWN:
        entry: dict[str, object] = {"kind": name, "issuer": url}
        return entry | ({"claims": claims} if claims else {})
    return {
        "issuer": url,
        "name": name,
        "claims": [claim for claim in claims if not claim.endswith(("?", "!"))],
        "optional": [claim.removesuffix("?") for claim in claims if claim.endswith("?")],
        "pins": [claim.removesuffix("!") for claim in claims if claim.endswith("!")],
    }


def audience_of(setting: str, host: str | None) -> str:
    """The audience that tokens have to be made for: ``publisher_audience``, else the index's host, else ``affineur``.

    It is this index's alone: whoever got a token meant for another one (or runs that one) could show it here
    otherwise, and publish in its owner's name.
    """
    return setting.strip() or host or "affineur"

"""From a letter's name and values to its subject and its two forms.

Each letter is one file in `templates/`: ``Subject: …``, ``Because: …`` (why the reader gets it), an empty line, and
the text in the blocks of `blocks`. The HTML form is made of the same blocks, so that the two cannot say different
things. What comes from people is put on one line and freed of control characters, so it can neither begin a block
of its own nor end a header; in HTML everything is escaped. HTML refers to nothing that would be fetched.

What does not live here: headers (`message`), and what may be put into a letter (`letters`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.settings import Settings

from .blocks import as_text, blocks

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"

LONGEST_VALUE = 1000
"""Characters of a value that is shown on one line; rules elsewhere are narrower (a reason has 200)."""
LONGEST_QUOTE = 5000
"""Characters of what somebody wrote to somebody else."""
LONGEST_SUBJECT = 150
"""Characters. Readers show about 70 of them."""

# Left-to-right and right-to-left overrides and isolates: they would let a name rewrite the sentence around it.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class House:
    """What every letter says about the index it comes from."""

    index_name: str
    address: str
    """Where the index is, with a slash at its end."""
    contact: str
    """Where people find help: an e-mail address or a page; empty where there is none."""

    @classmethod
    def of(cls, settings: Settings) -> House:
        """The house that ``settings`` describe. Without `base_url` the address is where the server listens."""
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return cls(
            settings.index_name, settings.base_url or f"http://{host}:{settings.port}/", settings.mail_contact.strip()
        )


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter, ready to be put into an envelope."""

    subject: str
    text: str
    html: str


class _Made(str):
    """Text that a filter of ours made: shown as it is, lines and all."""

    __slots__ = ()


def render(
    template: str,
    values: Mapping[str, object],
    house: House,
    *,
    number: int | None,
    written_at: datetime,
    listed: bool = True,
) -> Rendered:
    """The letter ``template`` with ``values`` as `letters.require_fit` admits them, or as JSON gives them back.

    ``number`` is the row in the outbox, None for a letter that is not kept; ``listed`` says whether the reader has an
    account in which they find that number. Raises `jinja2.TemplateError` for an unknown letter and for a value that is
    missing.
    """
    source = _texts().get_template(f"{template}.txt")
    shared = {"house": _house(house), "written_at": written_at, "number": number, "listed": listed}
    head, _, body = source.render({**values, **shared}).partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines())
    ending = _texts().get_template("_footer.txt").render({**shared, "because": headers["Because"]})
    found, footer = list(blocks(body, house.address)), list(blocks(ending, house.address))
    subject = f"{_one_line(headers['Subject'], LONGEST_SUBJECT)} [{_one_line(house.index_name, 60)}]"
    return Rendered(
        subject,
        f"{as_text(found)}\n-- \n{as_text(footer)}",  # "-- ": what follows is a signature (RFC 3676 §4.3)
        _pages().get_template("layout.html").render(subject=subject, blocks=found, footer=footer, house=house),
    )


def link_to(path: str, house: House) -> str:
    """The whole address of a ``link`` or ``page``."""
    return house.address.rstrip("/") + "/" + path.lstrip("/")


def _house(house: House) -> dict[str, str]:
    return {"name": house.index_name, "address": house.address, "contact": house.contact}


@lru_cache(maxsize=1)
def _texts() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701 (plain text; what becomes HTML is escaped in `_pages`)
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        moment=lambda value: _Made(_moment(_parsed(value))),
        day=lambda value: _Made(_day(_parsed(value))),
        duration=_duration,
        later=lambda value, minutes: _parsed(value) + timedelta(minutes=int(minutes)),
        quoted=_quoted,
        under=lambda path, house: _Made(house["address"].rstrip("/") + "/" + str(path).lstrip("/")),
    )
    return made


@lru_cache(maxsize=1)
def _pages() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _shown(value: object) -> object:
    """What stands in a text for ``value``. A moment or nothing at all has to be put into words by the template."""
    from jinja2 import Undefined
    from jinja2.exceptions import TemplateRuntimeError

    if isinstance(value, _Made | Undefined):
        return value  # an undefined one complains by itself, and says which it is
    if value is None or isinstance(value, datetime):
        raise TemplateRuntimeError("A value that cannot be shown as it is reached the text of a letter.")
    return _one_line(str(value), LONGEST_VALUE)


def _one_line(text: str, longest: int) -> str:
    """``text`` on one line, without control characters, with at most ``longest`` characters."""
    spaced = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp", "Cs") else one for one in text)
    kept = " ".join("".join(one for one in spaced if one not in _TURNING).split())
    return kept if len(kept) <= longest else kept[: longest - 1].rstrip() + "…"


def _quoted(text: str) -> _Made:
    """What a person wrote, line by line, each marked as theirs."""
    cut = text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + " …"
    return _Made("\n".join(f"> {_one_line(line, LONGEST_QUOTE)}".rstrip() for line in cut.splitlines()) or ">")


def _parsed(value: object) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def _duration(minutes: object) -> str:
    """Minutes in words, in hours where these are whole."""
    hours, rest = divmod(int(str(minutes)), 60)
    if rest or not hours:
        return f"{minutes} minutes" if minutes != 1 else "1 minute"
    return "an hour" if hours == 1 else f"{hours} hours"


def _moment(at: datetime) -> str:
    in_utc = at.astimezone(UTC)
    return f"{in_utc.day} {in_utc:%B %Y, %H:%M} UTC"


def _day(at: datetime) -> str:
    in_utc = at.astimezone(UTC)
    return f"{in_utc.day} {in_utc:%B %Y} (UTC)"

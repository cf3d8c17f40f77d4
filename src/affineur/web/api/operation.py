"""Operations: what the API can do, each said once.

An `Operation` is a declaration; routing, reading, checking, the OpenAPI document and the reference page follow from
it. A subject module beside this one (`account`, say) exports ``OPERATIONS``. What does not live here: how a request
becomes a call and a result becomes an answer (`serving`), and what an operation does (its handler; acts are
`actions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from affineur.core.access import Actor
from affineur.core.decision import refuse
from affineur.core.permissions import Action
from affineur.core.security import Caller
from affineur.shell.index import Index

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 100
"""Items on a page of a list."""


class Input(msgspec.Struct, forbid_unknown_fields=True):
    """What a body or a query is read into: strictly, and with no field that is not known."""


class Output(msgspec.Struct):
    """What an answer is made of."""


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that is asked for: at most ``limit`` items, those that follow the position ``after``.

    ``after`` is what the handler itself gave as `Listing.after`, but clients can forge it: take it for a position,
    never for a permission.
    """

    limit: int = DEFAULT_LIMIT
    after: str | None = None

    @property
    def after_number(self) -> int | None:
        """The position as a number of at most 18 digits (a row's key fits). `Refused` (``api.fields``) else."""
        if self.after is None:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", self.after):
            refuse("api.fields", "after is not a position of this list.", "Take it from `next`.")
        return int(self.after)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: what a handler is given.

    ``by`` is None only in an operation that is ``public``; ``now`` is aware UTC; ``path`` has the parameters of the
    path; ``body`` and ``query`` are values of the types that the operation declares, or None; ``base_url`` ends in
    ``/``.
    """

    index: Index
    by: Caller | None
    now: datetime
    path: Mapping[str, str]
    body: Any
    query: Any
    page: Page
    base_url: str

    @property
    def caller(self) -> Caller:
        """Who calls, when and from where, as acts want it. RuntimeError in a ``public`` operation: maybe nobody."""
        if self.by is None:
            raise RuntimeError("A public operation asks who calls.")
        return self.by

    @property
    def actor(self) -> Actor:
        """Who calls. RuntimeError in a ``public`` operation."""
        return self.caller.actor


@dataclass(frozen=True, slots=True)
class Listing:
    """What the handler of a paged operation answers. ``after`` is the position of its last item; None: no more."""

    items: Sequence[object]
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What a handler answers that made something: the answer, its id, and its path below ``/api/v1`` (``/…``)."""

    answer: object
    id: str
    at: str


Handler = Callable[[Call], object]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing the API can do.

    ``path`` is below ``/api/v1`` and begins with ``/``; ``{name}`` stands for a parameter. ``name`` is the
    operationId. ``summary`` is a sentence. ``handler`` is called in a thread and answers a value of the type
    ``answer`` (None: nothing, 204), wrapped in `Made` where it made something, or, where ``paged``, a `Listing` of
    such values. It refuses by raising `Refused`; every other exception becomes a 500.

    ``needs`` is the action that the caller's token has to permit; whether the caller may act on a certain project
    is asked by the action itself. ``public``: anybody may ask, unless the index is private. ``secret``: the answer
    holds a secret, so it is never kept for a repetition. ``idempotent`` follows from the method unless given:
    operations that are not can be made so by the client (``Idempotency-Key``). ``asks_much``: few are answered at
    once (`web.turns`).
    """

    method: Method
    path: str
    name: str
    summary: str
    tag: str
    handler: Handler
    body: type[Input] | None = None
    query: type[Input] | None = None
    answer: type | None = None
    status: int = 200
    needs: Action | None = None
    paged: bool = False
    public: bool = False
    secret: bool = False
    idempotent: bool | None = None
    asks_much: bool = False

    def __post_init__(self) -> None:
        """ValueError for a declaration that contradicts itself."""
        for sound, fault in (
            (re.fullmatch(r"/|(/([a-z0-9.-]+|\{[a-z_]+\}))+", self.path), "its path"),
            (re.fullmatch(r"[a-z][A-Za-z0-9]*", self.name), "its name is no operationId in camel case"),
            (self.summary.endswith("."), "its summary is no sentence"),
            (self.body is None or self.method in ("POST", "PUT", "PATCH"), "its method has no body"),
            (not self.paged or (self.method == "GET" and self.answer), "only a GET with an answer has pages"),
            ((self.answer is None) == (self.status == 204), "status 204 and no answer belong together"),
            (not (self.public and self.needs), "what anybody may do needs no permission"),
            (all(map(_is_strict, (self.body, self.query))), "its input takes unknown fields"),
        ):
            if not sound:
                raise ValueError(f"The operation {self.name} cannot be declared so: {fault}.")

    @property
    def takes_key(self) -> bool:
        """Whether repeating it would do more than doing it once, so that ``Idempotency-Key`` is heeded."""
        return self.method in ("POST", "PATCH") if self.idempotent is None else not self.idempotent

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters in its path."""
        return tuple(re.findall(r"\{([a-z_]+)\}", self.path))


def _is_strict(kind: type[Input] | None) -> bool:
    return kind is None or kind.__struct_config__.forbid_unknown_fields

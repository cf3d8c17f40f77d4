"""From the bytes of a request to checked values: body, query, and which page of a list is asked for.

Everything is strict: an unknown field, a value of another type, a parameter given twice is refused, and all that is
wrong is said at once. What does not live here: what the values mean.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from affineur.core.decision import refuse

from .operation import DEFAULT_LIMIT, MAXIMUM_LIMIT, Input, Operation, Page
from .problems import FieldProblem, Unfit

MAXIMUM_BODY_BYTES = 64 * 1024
"""Nothing the API is told is longer: files go to ``/legacy/``."""
_DRAIN_BYTES = 1024 * 1024

Source = Literal["body", "query"]
_Decode = Callable[[Any, Any], object]


class Paging(Input):
    """Which part of a list is asked for."""

    limit: Annotated[
        int, msgspec.Meta(ge=1, le=MAXIMUM_LIMIT, description=f"At most so many items; {DEFAULT_LIMIT} unless told.")
    ] = DEFAULT_LIMIT
    after: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=2,
                pattern="^[A-Za-z0-9_-]+$",
                description="Where to go on: taken from `next` of the page before, not made up.",
            ),
        ]
        | None
    ) = None


async def read_body(request: Request) -> bytes:
    """The whole body; at most `MAXIMUM_BODY_BYTES`, else `Refused` (``api.size``). ClientDisconnect where it is cut."""
    kept, arrived = bytearray(), 0
    async for chunk in request.stream():
        arrived += len(chunk)
        if arrived <= MAXIMUM_BODY_BYTES:
            kept += chunk
        elif arrived > _DRAIN_BYTES:  # a client that is still sending looks at no answer: read on for a while
            break
    if arrived > MAXIMUM_BODY_BYTES:
        refuse(
            "api.size",
            f"The body of a request to the API has at most {MAXIMUM_BODY_BYTES} bytes.",
            maximum_bytes=MAXIMUM_BODY_BYTES,
        )
    return bytes(kept)


def parse_body(operation: Operation, headers: Mapping[str, str], data: bytes) -> Input | None:
    """The body as the operation wants it; None where it wants none, and what came instead is not looked at.

    `Refused`: ``api.content-type``, ``api.syntax``, or `Unfit` with every field that does not fit.
    """
    kind = operation.body
    if kind is None:
        return None
    media_type, _, _ = headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/json" or headers.get("content-encoding", "identity") != "identity":
        refuse("api.content-type", "The body has to be plain JSON.", "Send it with Content-Type: application/json.")
    try:
        body = msgspec.json.decode(data, type=kind)
        _require_storable(data, "body")
    except msgspec.ValidationError as error:
        raise _unfit_body(kind, data, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _no_json(error)
    return body


def parse_query(operation: Operation, query: Iterable[tuple[str, str]]) -> tuple[Input | None, Page]:
    """The query as the operation wants it, and the page it asks for. `Unfit` with every parameter that does not fit."""
    given: dict[str, Any] = {}
    repeated: list[FieldProblem] = []
    lists = _list_fields(operation.query)
    for name, value in query:
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            repeated.append(FieldProblem(source="query", pointer=_pointer(name), message="Given more than once"))
        else:
            given[name] = value
    if repeated:
        raise Unfit(*repeated)
    if any("\0" in name + "".join(value) for name, value in given.items()):
        raise Unfit(FieldProblem(source="query", pointer="", message=_NO_NUL))
    paging = {name: given.pop(name) for name in Paging.__struct_fields__ if operation.paged and name in given}
    page: Paging = _fitting(Paging, paging, "query", _convert)
    wanted = _fitting(operation.query or Input, given, "query", _convert)
    return wanted if operation.query else None, Page(page.limit, _position(page.after))


def next_address(address: str, query: Iterable[tuple[str, str]], after: str) -> str:
    """The address of the following page: ``address`` with the same query, but for the position."""
    cursor = base64.urlsafe_b64encode(after.encode()).rstrip(b"=").decode()
    kept = [(name, value) for name, value in query if name != "after"]
    return f"{address}?{urlencode([*kept, ('after', cursor)])}"


def _position(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = base64.b64decode(padded, b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        position = ""
    if not position or "\0" in position:
        message = "Not a position of this list; take it from `next`"
        raise Unfit(FieldProblem(source="query", pointer="/after", message=message))
    return position


def _fitting(kind: type[Any], given: Mapping[str, Any], source: Source, decode: _Decode) -> Any:
    """The values as ``kind``, or `Unfit` with every one that does not fit."""
    faults = list(_faults(kind, given, source, decode))
    if faults:
        raise Unfit(*faults)
    return decode(given, kind)


def _unfit_body(kind: type[Input], data: bytes, error: msgspec.ValidationError) -> Unfit:
    """Every field that does not fit: msgspec itself stops at the first."""
    try:
        given = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        faults = list(_faults(kind, given, "body", lambda raw, type_: msgspec.json.decode(raw, type=type_)))
    except msgspec.ValidationError:
        faults = []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as worse:
        _no_json(worse)
    return Unfit(*(faults or [_fault("body", "", error)]))


def _faults(kind: type[Any], given: Mapping[str, Any], source: Source, decode: _Decode) -> Iterable[FieldProblem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if name in given:
            try:
                decode(given[name], field.type)
            except msgspec.ValidationError as error:
                yield _fault(source, name, error)
        elif field.required:
            yield FieldProblem(source=source, pointer=_pointer(name), message="Missing")
    for name in given:
        if name not in fields:
            yield FieldProblem(source=source, pointer=_pointer(name[:80]), message="Unknown here")


def _fault(source: Source, name: str, error: msgspec.ValidationError) -> FieldProblem:
    """A fault as msgspec says it (``Expected `str`, got `int` - at `$.names[0]```), with a JSON Pointer."""
    message, _, path = str(error).partition(" - at ")
    inside = [part for part in re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", path) if any(part)]
    return FieldProblem(source=source, pointer=_pointer(*([name] if name else []), *(a or b for a, b in inside)),
                        message=message.replace("`", ""))  # fmt: skip


def _pointer(*parts: str) -> str:
    """A JSON Pointer (RFC 6901 §3)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _convert(value: Any, kind: Any) -> Any:
    """A text of the query, or all of them as a struct. `null` is a text like others: what is meant is left out."""
    if isinstance(value, Mapping):
        types = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        return kind(**{name: _convert(each, types[name]) for name, each in value.items()})
    if get_origin(kind) in (Union, UnionType):
        kind = Union[tuple(each for each in get_args(kind) if each is not NoneType)]  # noqa: UP007 - of what is left
    # Loosely a text becomes a number; a moment is one already, and loosely would be seconds too.
    found = msgspec.convert(value, kind, strict=_is_moment(kind))
    return _in_utc(found) if isinstance(found, datetime) and found.tzinfo else found


def _in_utc(moment: datetime) -> datetime:
    """The same moment in UTC, where that is still within the years that can be written."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise msgspec.ValidationError("Expected a moment of the years 1 to 9999 in UTC") from None


def _is_moment(kind: Any) -> bool:
    return kind is datetime or (get_origin(kind) is Annotated and get_args(kind)[0] is datetime)


def _list_fields(kind: type[Input] | None) -> frozenset[str]:
    if kind is None:
        return frozenset()
    fields = msgspec.structs.fields(kind)
    return frozenset(field.encode_name for field in fields if get_origin(field.type) in (list, tuple, frozenset))


_NO_NUL = "Text has no character U+0000"


def _require_storable(data: bytes, source: Source) -> None:
    """`Unfit` where a text holds U+0000: PostgreSQL keeps no such text."""
    if b"\\u0000" in data and _holds_nul(msgspec.json.decode(data)):
        raise Unfit(FieldProblem(source=source, pointer="", message=_NO_NUL))


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(_holds_nul(each) for each in value)


def _no_json(error: Exception) -> NoReturn:
    said = "It is nested too deeply" if isinstance(error, RecursionError) else str(error)
    if isinstance(error, UnicodeDecodeError):
        said = "It is not UTF-8"
    refuse("api.syntax", f"The body is no JSON. {said.rstrip('.')}.", "Send one JSON object in UTF-8.")

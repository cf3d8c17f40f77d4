"""Coverage-guided fuzzing of everything that reads a request: ``python -m tests.fuzz.requests``.

Forms, headers, paths and query values, as bytes from a stranger. Any exception but `Refused` ends the run with exit
code 1 and leaves the input in the folder given by ``--keep``; so does one that takes ten seconds or 1 GiB.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["affineur.web", "affineur.core.views.negotiation", "affineur.core.distributions.upload_form"]
):
    from affineur.core.decision import Refused, deny
    from affineur.core.distributions.upload_form import read_form
    from affineur.core.views.negotiation import choose
    from affineur.web.clients import address_of
    from affineur.web.files import one_range
    from affineur.web.hot import Hot, accepts_gzip, matches
    from affineur.web.identity import token_in
    from affineur.web.multipart import receive_form
    from affineur.web.protocol import reason_phrase
    from affineur.web.requestlog import RequestLog, shorten

from tests.fuzz.campaign import run

FORM, HEADERS, PATH, TEXT = range(4)
BOUNDARY = "b"
LIMIT_BYTES = 1024 * 1024
_SPOOL = Path(tempfile.mkdtemp(prefix="affineur-fuzz-"))
_LOG = RequestLog(_SPOOL, shorten)
_HOT = Hot(
    _SPOOL / "public", _LOG, cache_bytes=1 << 20, max_age_seconds=0, country_header="x-country", trusted_proxies=1
)


def seeds() -> list[bytes]:
    """Sound inputs to start from. The first byte says what the rest is."""
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "metadata_version": "2.4",
        "name": "foo",
        "version": "1.0",
        "sha256_digest": "a" * 64,
        "import_names": "foo; private",
    }
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    content = '--b\r\nContent-Disposition: form-data; name="content"; filename="foo-1.0.tar.gz"\r\n\r\nx\r\n--b--\r\n'
    headers = 'accept: text/html;q=0.5, */*\naccept-encoding: gzip;q=0\nif-none-match: W/"1-2"\nx-forwarded-for: ::1'
    inputs = [
        (FORM, "".join(parts) + content),
        (HEADERS, headers),
        (HEADERS, "authorization: Basic X190b2tlbl9fOng=\nrange: bytes=0-1"),
        (PATH, "/packages/foo/1.0/foo-1.0.tar.gz"),
        (PATH, "/simple/foo/"),
        (TEXT, "bytes=-5"),
        (TEXT, "application/vnd.pypi.simple.v1+json, text/html;q=0.1"),
    ]
    return [bytes([kind]) + text.encode() for kind, text in inputs]


def read(data: bytes) -> None:
    """Take one input through the reader that its first byte names."""
    if not data:
        return
    kind, rest = data[0] % 4, data[1:]
    try:
        if kind == FORM:
            asyncio.run(_form(rest))
        elif kind == HEADERS:
            _headers(rest)
        elif kind == PATH:
            for method in (b"GET", b"HEAD"):
                if _HOT.answer(method, rest.decode("latin-1"), [], "127.0.0.1") is not None:
                    raise AssertionError("something is served from an empty tree")
        else:
            _text(rest.decode("utf-8", "replace"))
    except Refused as refused:
        if not reason_phrase(refused.decision.sentence).isascii():
            raise AssertionError("a refusal repeats what cannot travel in a reason phrase") from None


async def _form(body: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 97):
            yield body[start : start + 97]

    too_large = deny("upload.file-size", "too large")
    try:
        arrived = await receive_form(
            chunks(), f"multipart/form-data; boundary={BOUNDARY}", _SPOOL, "content", lambda _: (LIMIT_BYTES, too_large)
        )
    except Refused:
        _require_empty_spool()
        raise
    if arrived.size_bytes > LIMIT_BYTES:
        raise AssertionError("a file beyond the limit was taken")
    try:
        read_form(arrived.fields)
    finally:
        arrived.discard()
        _require_empty_spool()


def _require_empty_spool() -> None:
    if any(not path.name.startswith("requests-") for path in _SPOOL.iterdir()):
        raise AssertionError("a refused form left a file behind")


def _headers(data: bytes) -> None:
    lines = [line.partition(b": ") for line in data.split(b"\n")]
    headers = [(name.lower(), value) for name, _, value in lines]
    for path in ("/simple/foo/", "/packages/foo/1/f.whl"):
        _HOT.answer(b"GET", path, headers, "127.0.0.1")
    for name, value in headers:
        if name == b"authorization":
            token_in(value.decode("latin-1"))
    address_of(headers, "127.0.0.1", 2)


def _text(text: str) -> None:
    choose(text)
    choose(None, text)
    one_range(text, 1000)
    accepts_gzip(text.encode("utf-8", "replace"))
    matches(text.encode("utf-8", "replace"), b'"1-2"')
    shorten(text)
    if not reason_phrase(text).isascii() and b"\n" in reason_phrase(text):
        raise AssertionError("a reason phrase has a line break")


if __name__ == "__main__":
    run("tests.fuzz.requests", seeds, read)

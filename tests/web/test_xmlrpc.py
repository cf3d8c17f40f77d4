"""XML-RPC as mirrors speak it, with the standard library's client."""

from __future__ import annotations

import gzip
import xmlrpc.client
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.uploading import a_wheel, an_sdist, ask, published, upload

from affineur.web.xmlrpc import METHODS, parse_call


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two projects, one of which was quarantined and cleared, and is quarantined again."""
    data = tmp_path_factory.mktemp("xmlrpc") / "data"
    with serve(data, initialise(data)) as running:
        published(upload(running, an_sdist("brie")))
        published(upload(running, a_wheel("brie")))
        published(upload(running, a_wheel("edam")))
        for verb in ("quarantine", "clear", "quarantine"):
            affineur(verb, "brie", *(["--reason", "Mould"] if verb == "quarantine" else []), "--data", data)
        yield running


@pytest.fixture(params=["pypi", "pypi/"])
def proxy(index: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    with xmlrpc.client.ServerProxy(f"{index.url}{request.param}", allow_none=True) as speaking:
        yield speaking


def fault_of(answer: bytes) -> xmlrpc.client.Fault:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        xmlrpc.client.loads(answer)
    return fault.value


def test_the_changelog_has_the_words_that_mirrors_know(proxy: Any) -> None:
    changes = proxy.changelog_since_serial(0)
    assert [(name, version, action, serial) for name, version, _, action, serial in changes] == [
        ("brie", None, "create", 1),
        ("brie", "1.0", "new release", 2),
        ("brie", "1.0", "add source file brie-1.0.tar.gz", 3),
        ("brie", "1.0", "add py3 file brie-1.0-py3-none-any.whl", 4),
        ("edam", None, "create", 5),
        ("edam", "1.0", "new release", 6),
        ("edam", "1.0", "add py3 file edam-1.0-py3-none-any.whl", 7),
        ("brie", None, "project quarantined", 8),
        ("brie", None, "project quarantine cleared", 9),
        ("brie", None, "project quarantined", 10),
    ]
    assert proxy.changelog_last_serial() == 10
    assert proxy.changelog_since_serial(9) == changes[9:]
    assert proxy.changelog_since_serial(-5) == changes
    assert proxy.changelog_since_serial(10) == proxy.changelog_since_serial(2**31 - 1) == []


def test_the_changelog_since_a_moment_has_serials_where_they_are_asked_for(proxy: Any) -> None:
    since = proxy.changelog_since_serial(0)
    assert proxy.changelog(0, True) == since
    assert proxy.changelog(0) == [each[:-1] for each in since]
    at = since[7][2]
    assert [each for each in proxy.changelog(at, True) if each[2] < at] == []
    assert since[7] in proxy.changelog(at, True)
    assert proxy.changelog(int(datetime.now(UTC).timestamp()) + 3600) == []


def test_a_project_on_hold_keeps_its_place_with_the_serial_of_the_hold(proxy: Any) -> None:
    assert proxy.list_packages_with_serial() == {"brie": 10, "edam": 7}
    assert proxy.list_packages() == ["brie", "edam"]


def test_a_mirror_finds_under_each_serial_what_it_has_to_have(proxy: Any, index: Server) -> None:
    for name, serial in proxy.list_packages_with_serial().items():
        answer = ask(index, "GET", f"/pypi/{name}/json")
        assert answer.status == 200
        assert int(answer.headers["x-pypi-last-serial"]) == answer.json["last_serial"] == serial
        assert bool(answer.json["urls"]) == (name == "edam")


def test_all_methods_are_listed_and_the_others_are_faults_that_say_what_to_use(proxy: Any) -> None:
    assert proxy.system.listMethods() == sorted(METHODS)
    for method, said in (
        ("package_releases", "/pypi/<name>/json"), ("release_urls", "/pypi/<name>/json"), ("user_packages", "name"),
        ("package_roles", "name"), ("search", "/search"), ("nonsense", "listMethods"),
    ):  # fmt: skip
        with pytest.raises(xmlrpc.client.Fault, match=said) as fault:
            getattr(proxy, method)("brie")
        assert fault.value.faultCode == -32601


def test_several_calls_in_one_are_refused(proxy: Any) -> None:
    calls = xmlrpc.client.MultiCall(proxy)
    calls.changelog_last_serial()
    with pytest.raises(xmlrpc.client.Fault, match="one call after another"):
        calls()


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("changelog_last_serial", (1,)), ("changelog_since_serial", ()), ("changelog_since_serial", ("1",)),
        ("changelog_since_serial", (True,)), ("changelog_since_serial", (1.5,)), ("changelog_since_serial", (1, 2)),
        ("changelog", ()), ("changelog", (1, 1)), ("changelog", (1, True, 1)), ("changelog", ("x",)),
        ("list_packages_with_serial", ({},)), ("changelog_since_serial", ([],)),
    ],
)  # fmt: skip
def test_parameters_of_another_kind_are_faults(index: Server, method: str, parameters: tuple[Any, ...]) -> None:
    answer = ask(index, "POST", "/pypi", xmlrpc.client.dumps(parameters, method).encode())
    assert answer.status == 200
    fault = fault_of(answer.body)
    assert fault.faultCode == -32602
    assert fault.faultString.endswith(".")


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><methodCall>&b;</methodCall>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><methodCall><methodName>&a;</methodName></methodCall>'
NONSENSE = (
    b"", b"<", b"<methodCall>", b"<methodCall/>", b"\x00", b"{}", BOMB, OUTSIDE,
    b"<methodCall><methodName></methodName></methodCall>",
    b"<methodCall><methodName>x</methodName><params><param><value><int>x</int></value></param></params></methodCall>",
    b"<methodCall><methodName>x</methodName><params><param><value><bigdecimal>x</bigdecimal></value></param></params>"
    b"</methodCall>",
    b"<methodCall>" + b"<value><array><data>" * 500 + b"</methodCall>",
    b"<methodResponse><params><param><value>x</value></param></params></methodResponse>",
    b"<methodCall><methodName>" + b"x" * 200 + b"</methodName></methodCall>",
)  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_what_is_no_call_is_a_fault(index: Server, body: bytes) -> None:
    answer = ask(index, "POST", "/pypi", body)
    assert answer.status == 200
    assert fault_of(answer.body).faultCode == -32700
    assert b"root:" not in answer.body


@given(st.binary(max_size=300))
def test_nothing_else_than_a_fault_comes_of_any_bytes(body: bytes) -> None:
    with pytest.raises(xmlrpc.client.Fault):
        parse_call(body)


def test_a_call_says_its_method_and_parameters() -> None:
    call = xmlrpc.client.dumps((1, True, "é", [None], {"a": 1.5}), "x.y", allow_none=True).encode()
    assert parse_call(call) == ("x.y", (1, True, "é", [None], {"a": 1.5}))


def test_a_call_that_is_too_long_is_a_fault(index: Server) -> None:
    answer = ask(index, "POST", "/pypi", b" " * 20_000)
    assert "16,384 bytes" in fault_of(answer.body).faultString


def test_long_answers_are_compressed_where_that_is_understood(index: Server) -> None:
    call = xmlrpc.client.dumps((0,), "changelog_since_serial").encode()
    plain, packed = (ask(index, "POST", "/pypi", call, accept_encoding=coding) for coding in (None, "gzip"))
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-type"].startswith("text/xml")


def test_whoever_looks_there_is_told_how_to_call(index: Server) -> None:
    answer = ask(index, "GET", "/pypi")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert ask(index, "GET", "/pypi/").status == 404

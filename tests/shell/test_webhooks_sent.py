"""Sending one webhook, to real receivers on this machine: what arrives, and what is never asked."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.services.certificates import new_certificate
from tests.services.receiver import Receiver, open_receiver

from affineur.core.history.webhook_addresses import parse_networks
from affineur.shell import webhooks
from affineur.shell.webhooks import send

HERE = parse_networks("127.0.0.0/8 ::1/128")
HEADERS = {"webhook-id": "wh-1"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    with open_receiver() as running:
        yield running


@pytest.fixture
def receiver(shared: Receiver) -> Receiver:
    shared.sent.clear()
    shared.answers.clear()
    shared.headers.clear()
    shared.body, shared.drip_seconds = b"thank you", 0.0
    return shared


def test_the_body_arrives_as_it_is_with_our_headers(receiver: Receiver) -> None:
    outcome = send(f"{receiver.url}/x?y=1", HEADERS, b'{"a": 1}', HERE)
    (sent,) = receiver.sent
    assert (outcome.status, outcome.error, outcome.verdict, outcome.answer) == (200, None, "taken", "thank you")
    assert (sent.path, sent.body, sent.headers["webhook-id"]) == ("/x?y=1", b'{"a": 1}', "wh-1")
    assert sent.headers["content-type"] == "application/json"


def test_nothing_of_this_network_is_asked_unless_it_is_allowed(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    for url in (f"http://127.0.0.1:{port}/", f"http://localhost:{port}/", f"https://[::ffff:127.0.0.1]:{port}/"):
        outcome = send(url, HEADERS, b"{}")
        assert outcome.status is None
        assert outcome.error is not None and "not a public address" in outcome.error
    assert receiver.sent == []


def test_a_name_is_judged_by_the_address_it_has(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    assert send(f"http://localhost:{port}/", HEADERS, b"{}", parse_networks("10.0.0.0/8")).status is None
    assert receiver.sent == []
    assert send(f"http://localhost:{port}/", HEADERS, b"{}", HERE).status == 200


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers["/from"] = 302
    receiver.headers["location"] = f"{receiver.url}/to"
    outcome = send(f"{receiver.url}/from", HEADERS, b"{}", HERE)
    assert (outcome.status, outcome.verdict) == (302, "failed")
    assert [each.path for each in receiver.sent] == ["/from"]


def test_of_a_long_answer_one_kib_is_kept(receiver: Receiver) -> None:
    receiver.body = b"x" * 100_000
    outcome = send(f"{receiver.url}/", HEADERS, b"{}", HERE)
    assert (outcome.status, len(outcome.answer)) == (200, 1024)


def test_what_cannot_be_printed_is_not_kept(receiver: Receiver) -> None:
    receiver.body = b"\x1b[31m\xff\x00ok"
    assert send(f"{receiver.url}/", HEADERS, b"{}", HERE).answer == "�[31m��ok"


def test_an_answer_that_drips_ends_at_the_deadline_and_its_status_counts(receiver: Receiver) -> None:
    receiver.body, receiver.drip_seconds = b"x" * 1000, 0.1
    outcome = send(f"{receiver.url}/", HEADERS, b"{}", HERE, timeout_seconds=1.0)
    assert (outcome.status, outcome.verdict) == (200, "taken")
    assert 0 < len(outcome.answer) < 1000


def test_who_never_answers_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        outcome = send(f"http://127.0.0.1:{silent.getsockname()[1]}/", HEADERS, b"{}", HERE, timeout_seconds=0.5)
    assert outcome.status is None
    assert outcome.error is not None and outcome.error.startswith("It took too long")
    assert time.monotonic() - began < 30


def test_headers_that_drip_do_not_outlast_the_deadline() -> None:
    stop = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not stop.wait(0.1):
                try:
                    connection.sendall(b"x-more: 1\r\n")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,), daemon=True)
        thread.start()
        outcome = send(f"http://127.0.0.1:{listening.getsockname()[1]}/", HEADERS, b"{}", HERE, timeout_seconds=1.0)
        stop.set()
    assert (outcome.status, outcome.verdict) == (None, "failed")


def test_who_is_not_there_is_said_to_be_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    outcome = send(f"http://127.0.0.1:{port}/", HEADERS, b"{}", HERE)
    assert outcome.status is None
    assert outcome.error is not None and outcome.error.startswith("It could not be reached")


def test_what_is_no_http_is_a_failure() -> None:
    def babble(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"220 mail.example.org ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=babble, args=(listening,), daemon=True).start()
        outcome = send(f"http://127.0.0.1:{listening.getsockname()[1]}/", HEADERS, b"{}", HERE)
    assert (outcome.status, outcome.verdict) == (None, "failed")


@contextmanager
def tls_receiver(context: ssl.SSLContext) -> Iterator[int]:
    """The port of somebody who speaks TLS and answers 204 to whatever comes."""

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as speaking:
                heard = b""
                while b"\r\n\r\n{}" not in heard and (more := speaking.recv(65536)):
                    heard += more
                speaking.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except OSError:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answer, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]


def test_a_certificate_that_nobody_vouches_for_is_a_failure(tmp_path: Path) -> None:
    with tls_receiver(new_certificate(tmp_path).for_server()) as port:
        outcome = send(f"https://localhost:{port}/", HEADERS, b"{}", HERE)
    assert outcome.status is None
    assert outcome.error is not None and "CERTIFICATE_VERIFY_FAILED" in outcome.error


def test_the_certificate_is_asked_for_the_name_and_believed_where_its_authority_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority_file))
    webhooks._tls.cache_clear()
    try:
        with tls_receiver(made.for_server()) as port:
            assert send(f"https://localhost:{port}/", HEADERS, b"{}", HERE).status == 204
    finally:
        webhooks._tls.cache_clear()


def test_a_receiver_may_ask_for_time(receiver: Receiver) -> None:
    receiver.answers["/"] = 503
    receiver.headers["retry-after"] = "120"
    assert send(f"{receiver.url}/", HEADERS, b"{}", HERE).retry_after_seconds == 120

"""The services that other tests stand on do what those tests take for granted."""

from __future__ import annotations

import http.server
import os
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
from playwright.sync_api import Browser
from tests.services import keeper, starter
from tests.services.affineur import PROGRAM, Server, affineur, initialise, serve
from tests.services.s3 import Bucket
from tests.services.smtp import PASSWORD, USER, PostOffice


def test_a_database_is_empty_and_has_the_extensions_that_search_uses(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert tables == (0,)
        connection.execute("CREATE EXTENSION pg_trgm")
        assert connection.execute("SELECT similarity('reqeusts', 'requests') > 0.3").fetchone() == (True,)


def test_a_database_of_one_test_is_not_seen_by_the_next(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE TABLE left_behind (n int)")
        assert connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'").fetchone() == (0,)


def test_a_bucket_stores_and_refuses_to_overwrite_when_asked(s3: Bucket) -> None:
    client = boto3.client(
        "s3", endpoint_url=s3.endpoint, region_name=s3.region,
        aws_access_key_id=s3.access_key_id, aws_secret_access_key=s3.secret_access_key,
    )  # fmt: skip
    client.put_object(Bucket=s3.name, Key="a/b.whl", Body=b"wheel", IfNoneMatch="*")
    assert client.get_object(Bucket=s3.name, Key="a/b.whl", Range="bytes=1-2")["Body"].read() == b"he"
    try:
        client.put_object(Bucket=s3.name, Key="a/b.whl", Body=b"other", IfNoneMatch="*")
    except client.exceptions.ClientError as refusal:
        assert refusal.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    else:
        raise AssertionError("an existing object was overwritten")


def test_nginx_is_a_program_that_runs(nginx: Path) -> None:
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True)
    assert "nginx/1." in said.stderr


def test_the_browser_renders_a_page_of_this_machine(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>Cellar</title><h1>Cheese</h1>")
    handler = lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory=str(tmp_path))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        assert (page.title(), page.locator("h1").inner_text()) == ("Cellar", "Cheese")
        context.close()
        server.shutdown()


def test_a_kept_program_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen(["sleep", "60"])
    kept = subprocess.Popen(
        [
            sys.executable,
            keeper.__file__,
            "--owner",
            str(owner.pid),
            "--",
            "sh",
            "-c",
            f"echo $$ >{tmp_path}/pid; exec sleep 60",
        ]
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        pass
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    kept.wait(timeout=20)
    child = int((tmp_path / "pid").read_text())
    assert not os.path.exists(f"/proc/{child}")


@pytest.mark.parametrize(("mode", "has_nginx"), [("python", False), ("edge", True)])
def test_a_server_is_served_by_nginx_in_edge_mode_only(
    server: Callable[..., Server], mode: str, has_nginx: bool
) -> None:
    started = server(mode=mode)
    children = psutil.Process(started.pid).children(recursive=True)
    assert any(child.name() == "nginx" for child in children) is has_nginx


def test_a_server_and_all_its_processes_end_with_the_test(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(data, initialise(data), mode="edge") as started:
        family = psutil.Process(started.pid).children(recursive=True)
        assert family
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert len(gone) == len(family)


def send(office: PostOffice, to: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "index@example.org", to, subject
    message.set_content("Café: https://example.org/confirm?code=1")
    message.add_alternative("<p>Café</p>", subtype="html")
    with smtplib.SMTP(office.host, office.port, timeout=10) as client:
        if office.certificate:
            client.starttls(context=office.certificate.for_client())
            client.login(USER, PASSWORD)
        client.send_message(message)


def test_mail_is_kept_with_its_envelope_and_both_bodies(smtp: PostOffice) -> None:
    threading.Timer(0.05, send, (smtp, "mona@example.org", "Confirm your address")).start()
    message = smtp.wait_for("mona@example.org", "Confirm")
    assert (message.sender, message.recipients) == ("index@example.org", ("mona@example.org",))
    assert (message.text.split()[0], message.html.strip()) == ("Café:", "<p>Café</p>")
    assert message.links == ["https://example.org/confirm?code=1"]
    assert not message.encrypted
    assert smtp.messages("ana@example.org") == []


@pytest.mark.parametrize("reply", ["451 Later", "550 Never"])
@pytest.mark.parametrize("stage", ["sender", "recipient", "data"])
def test_mail_is_refused_for_as_long_as_it_is_told(smtp: PostOffice, reply: str, stage: Any) -> None:
    with smtp.refuse(reply, at=stage), pytest.raises(smtplib.SMTPException) as refusal:
        send(smtp, "mona@example.org", "refused")
    assert reply[:3] in str(refusal.value)
    send(smtp, "mona@example.org", "taken")
    assert [message.subject for message in smtp.messages()] == ["taken"]
    assert smtp.refusals == 1


def test_a_secure_post_office_takes_mail_only_over_tls_and_from_somebody_it_knows(secure_smtp: PostOffice) -> None:
    with smtplib.SMTP(secure_smtp.host, secure_smtp.port, timeout=10) as client:
        with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
            client.sendmail("a@example.org", ["b@example.org"], b"in the clear")
        assert secure_smtp.certificate
        client.starttls(context=secure_smtp.certificate.for_client())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USER, "wrong")
        with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
            client.sendmail("a@example.org", ["b@example.org"], b"by nobody")
    send(secure_smtp, "mona@example.org", "secret")
    message = secure_smtp.wait_for("mona@example.org")
    assert (message.encrypted, message.signed_in_as) == (True, USER)


def test_a_program_that_is_forked_says_what_one_that_is_started_says(tmp_path: Path) -> None:
    command, given = [str(PROGRAM), "config", "--data", "there", "--json"], {**os.environ, "AFFINEUR_PORT": "4321"}
    real = subprocess.run(command, capture_output=True, check=False, env=given)
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as said, err.open("wb") as complained:
        forked = starter.start(command, given, out=said, err=complained)
        assert (forked.wait(60), out.read_bytes(), err.read_bytes()) == (0, real.stdout, real.stderr)
    assert b"4321" in real.stdout


def test_a_program_that_is_forked_ends_with_its_status_or_by_its_signal(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 2"):
        affineur("nonsense")
    with (tmp_path / "said").open("wb") as said:
        command = [str(PROGRAM), "work", "--data", str(tmp_path / "data")]
        initialise(tmp_path / "data")
        forked = starter.start(command, os.environ, out=said, err=said)
        assert os.getsid(forked.pid) == forked.pid
        forked.kill()
        assert forked.wait(60) == -signal.SIGKILL


def test_what_only_a_new_interpreter_reads_is_not_given_to_a_fork() -> None:
    assert starter.can_start(os.environ)
    assert starter.can_start({**os.environ, "AFFINEUR_PORT": "4321"})
    assert not starter.can_start({**os.environ, "PYTHONHASHSEED": "1"})
    assert not starter.can_start({name: value for name, value in os.environ.items() if name != "LANG"} | {"LANG": "xx"})

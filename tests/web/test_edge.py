"""nginx as a managed child: found, refused, started again, ended; and what its configuration says."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.affineur import Server, affineur, initialise, serve
from tests.services.keeper import free_ports
from tests.services.s3 import Bucket
from tests.web.serving_contract import PIP, SMALL_FILE, lines_of, wait_for_root
from tests.web.uploading import BOUNDARY, a_wheel, ask, form_of, post

from affineur.core.views.negotiation import choose
from affineur.settings import Settings
from affineur.web.edge import maps, program
from affineur.web.edge.configuration import Place, Unwritable, server_part
from affineur.web.requestlog import shorten


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Server]:
    data = tmp_path / "data"
    with serve(data, initialise(data), mode="edge", workers=2) as server:
        assert post(server, form_of(a_wheel("cheddar"))).status == 200
        wait_for_root(server)
        yield server


def _processes(server: Server, what: str) -> list[psutil.Process]:
    children = psutil.Process(server.pid).children(recursive=True)
    return [child for child in children if what in child.name()]


def _wait(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def _answers(server: Server, path: str) -> bool:
    with suppress(OSError):
        return ask(server, "GET", path).status == 200
    return False


def test_pages_and_files_are_served_while_every_worker_is_dead(edge: Server) -> None:
    os.kill(edge.pid, signal.SIGSTOP)  # so that nobody starts them again
    for process in _processes(edge, "affineur"):
        process.kill()
    for path in ("/simple/", "/simple/cheddar/", SMALL_FILE, f"{SMALL_FILE}.metadata"):
        assert ask(edge, "GET", path, accept=PIP).status == 200
    assert ask(edge, "GET", SMALL_FILE, range="bytes=-5").status == 206
    os.kill(edge.pid, signal.SIGCONT)
    _wait(lambda: _answers(edge, "/health/ready"))


def test_nginx_is_started_again_and_leaves_no_orphans(edge: Server) -> None:
    before = {process.pid for process in _processes(edge, "nginx")}
    (master,) = (process for process in _processes(edge, "nginx") if process.ppid() == edge.pid)
    master.kill()
    _wait(lambda: not any(psutil.pid_exists(pid) and _alive(pid) for pid in before))
    _wait(lambda: _answers(edge, "/simple/cheddar/"))


def _alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def test_no_process_outlives_a_killed_supervisor(edge: Server) -> None:
    everyone = [process.pid for process in psutil.Process(edge.pid).children(recursive=True)]
    os.kill(edge.pid, signal.SIGKILL)
    _wait(lambda: not any(_alive(pid) for pid in everyone))


def test_it_ends_when_told_to_and_a_transfer_that_began_is_finished(tmp_path: Path) -> None:
    data = tmp_path / "data"
    noise = os.urandom(30_000_000)
    with serve(data, initialise(data), mode="edge") as server:
        file = a_wheel("brie", files={"brie/__init__.py": b"", "brie/noise.bin": noise})
        assert post(server, form_of(file)).status == 200
        address = urlsplit(server.url)
        with socket.create_connection((str(address.hostname), address.port), timeout=30) as connection:
            request = f"GET /packages/brie/1.0/{file.filename} HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall(request.encode())
            got = connection.recv(1000)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            length = int(got.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            while chunk := connection.recv(1 << 20):
                got += chunk
        assert len(got.partition(b"\r\n\r\n")[2]) == length == len(file.data)
        assert server.process.wait(20) == 0


def test_a_client_that_dies_half_way_leaves_nothing(edge: Server) -> None:
    address = urlsplit(edge.url)
    body = form_of(a_wheel("gone"))
    head = (
        "POST /legacy/ HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
        f"\r\nAuthorization: Bearer {edge.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), address.port), timeout=30) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(0.3)
    _wait(lambda: not list((edge.data / "spool").iterdir()))
    assert ask(edge, "GET", "/simple/gone/").status == 404


def test_a_refused_upload_says_why_in_the_reason_phrase(edge: Server) -> None:
    answer = post(edge, form_of(a_wheel("cheddar"), sha256_digest="0" * 64))
    assert answer.status == 400
    assert answer.reason == " ".join(answer.text.partition("\n\n")[2].split())


def test_the_first_trusted_proxy_says_who_asks(tmp_path: Path) -> None:
    data, options = tmp_path / "data", {"AFFINEUR_TRUSTED_PROXIES": "2"}
    with serve(data, initialise(data), mode="edge", environment=options) as server:
        assert post(server, form_of(a_wheel("cheddar"))).status == 200
        forwarded = {
            "198.51.100.7, 203.0.113.9": "198.51.100.0",
            "192.0.2.1, 198.51.100.7,203.0.113.9": "198.51.100.0",
            "198.51.100.7": "198.51.100.0",
            "2001:db8:7:8::1, 203.0.113.9": "2001:db8:7::",
            "nobody, 203.0.113.9": "",
        }
        for number, (hops, logged) in enumerate(forwarded.items()):
            for way, path in (("nginx", SMALL_FILE), ("application", f"{SMALL_FILE}?x")):
                agent = f"proxied-{number}-{way}"
                ask(server, "GET", path, x_forwarded_for=hops, user_agent=agent)
                assert [line["address"] for line in lines_of(server.data, agent, 1)] == [logged]


def test_a_client_cannot_say_who_it_is(edge: Server) -> None:
    for way, path in (("nginx", SMALL_FILE), ("application", f"{SMALL_FILE}?x")):
        ask(edge, "GET", path, x_forwarded_for="198.51.100.7", user_agent=f"liar-{way}")
        assert [line["address"] for line in lines_of(edge.data, f"liar-{way}", 1)] == ["127.0.0.0"]


@pytest.mark.parametrize(("kind", "logged"), [("full", "127.0.0.1"), ("none", "")])
def test_addresses_are_kept_as_the_setting_says(tmp_path: Path, kind: str, logged: str) -> None:
    data, options = tmp_path / "data", {"AFFINEUR_LOG_ADDRESS": kind}
    with serve(data, initialise(data), mode="edge", environment=options) as server:
        assert post(server, form_of(a_wheel("cheddar"))).status == 200
        ask(server, "GET", SMALL_FILE, user_agent="x")
        assert [line["address"] for line in lines_of(server.data, "x", 1)] == [logged]


def test_off_means_none() -> None:
    assert program.find("off") is None


def test_a_path_that_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(program.Unusable, match="is no program"):
        program.find(str(tmp_path / "nginx"))


@pytest.mark.parametrize(
    ("says", "complaint"),
    [("nginx version: nginx/1.18.0 (Old)", r"1\.18; at least 1\.22"), ("hello", "does not say that it is nginx")],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, says: str, complaint: str) -> None:
    script = tmp_path / "nginx"
    script.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    script.chmod(0o755)
    with pytest.raises(program.Unusable, match=complaint):
        program.find(str(script))


def _broken_nginx(folder: Path) -> Path:
    """An nginx of the right version that refuses every configuration."""
    script = folder / "nginx"
    script.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = -v ]; then echo "nginx version: nginx/1.31.3" >&2; exit 0; fi\n'
        'echo "nginx: [emerg] unknown directive in nginx.conf:7" >&2; exit 1\n'
    )
    script.chmod(0o755)
    return script


def test_serve_says_why_the_nginx_it_was_given_cannot_be_used(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    done = subprocess.run(
        [Path(sys.executable).with_name("affineur"), "serve", "--data", tmp_path / "data", "--port", str(port),
         "--edge", _broken_nginx(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "[emerg] unknown directive" in done.stderr


def test_auto_serves_without_an_nginx_that_cannot_be_used(tmp_path: Path) -> None:
    data, broken = tmp_path / "data", _broken_nginx(tmp_path)
    environment = {"PATH": f"{broken.parent}{os.pathsep}{os.environ['PATH']}"}
    with serve(data, initialise(data), options=["--edge", "auto"], environment=environment) as server:
        assert "server" not in ask(server, "GET", "/simple/").headers
        assert "serving without it" in server.log.read_text()


def test_auto_uses_the_nginx_on_the_path(tmp_path: Path, nginx: Path) -> None:
    data = tmp_path / "data"
    environment = {"PATH": f"{nginx.parent}{os.pathsep}{os.environ['PATH']}"}
    with serve(data, initialise(data), options=["--edge", "auto"], environment=environment) as server:
        assert ask(server, "GET", "/simple/").headers["server"] == "nginx"


def test_the_printed_site_is_one_that_nginx_accepts(tmp_path: Path, nginx: Path) -> None:
    data = tmp_path / "data"
    initialise(data)
    environment = {"AFFINEUR_TRUSTED_PROXIES": "1"}
    site = affineur("edge", "config", "--data", data, "--listen", "127.0.0.1:9", environment=environment)
    (tmp_path / "site.conf").write_text(site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nevents {{ }}\nhttp {{ include {tmp_path}/site.conf; }}\n"
    )
    said = subprocess.run(
        [nginx, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "syntax is ok" in said.stderr, said.stderr


def test_a_folder_that_nginx_would_misread_is_refused() -> None:
    with pytest.raises(Unwritable, match="nginx cannot be told"):
        server_part(Settings(data=Path("/srv/a$b")), Place("80", ("127.0.0.1:1",)))


def test_every_common_accept_header_has_an_answer() -> None:
    assert all(choose(accept) for accept in maps.COMMON_ACCEPTS)
    assert len({accept.lower() for accept in maps.COMMON_ACCEPTS}) == len(maps.COMMON_ACCEPTS)


def _from_groups(groups: list[int]) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(b"".join(group.to_bytes(2, "big") for group in groups))


_GROUP = st.sampled_from((0, 0, 1, 0xABC))


@given(st.ip_addresses() | st.lists(_GROUP, min_size=8, max_size=8).map(_from_groups))
def test_nginx_shortens_an_address_as_python_does(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    text = str(address)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        text = f"::ffff:{address.ipv4_mapped}"  # as nginx writes it
    assert _by_nginx(text) == shorten(text)


@pytest.mark.parametrize(
    "address",
    [
        "2001:db8::1",
        "2001:db8:0:1::1",
        "2001:0:0:1::",
        "2001::1",
        "::1",
        "::ffff:192.0.2.9",
        "fe80::1",
        "",
        "unix:",
        "x",
    ],
)
def test_nginx_shortens_awkward_addresses_as_python_does(address: str) -> None:
    assert _by_nginx(address) == shorten(address)


def _by_nginx(address: str) -> str:
    """What the ``map`` in nginx's configuration makes of an address."""
    for key, value in maps.NETWORKS.items():
        flags = re.IGNORECASE if key.startswith("~*") else 0
        found = re.search(key.lstrip("~*").replace("(?<", "(?P<"), address, flags)
        if found:
            return value.replace("${net}", found.groupdict().get("net") or "")
    return ""


def test_the_log_format_is_json(edge: Server) -> None:
    ask(edge, "GET", SMALL_FILE, user_agent='"}, {"x": "\\')
    (line,) = lines_of(edge.data, '"}, {"x": "\\', 1)
    assert json.loads(json.dumps(line)) == line


def test_a_file_kept_elsewhere_is_sent_by_the_application_and_logged_once(tmp_path: Path, s3: Bucket) -> None:
    data = tmp_path / "data"
    options = {"AFFINEUR_BLOBS": f"s3://{s3.name}", "AFFINEUR_S3_ENDPOINT": s3.endpoint, **s3.environment}
    with serve(data, initialise(data, options), mode="edge", environment=options) as server:
        file = a_wheel("cheddar")
        assert post(server, form_of(file)).status == 200
        assert ask(server, "GET", SMALL_FILE, user_agent="far").body == file.data
        part = ask(server, "GET", SMALL_FILE, user_agent="far", range="bytes=-9")
        assert (part.status, part.body) == (206, file.data[-9:])
        assert part.headers["content-range"].endswith(f"/{len(file.data)}")
        lines_of(server.data, "far", 2)
        time.sleep(0.2)  # a line too many would be there by now
        lines = lines_of(server.data, "far", 2)
        assert [(line["status"], line["bytes"]) for line in lines] == [(200, len(file.data)), (206, 9)]

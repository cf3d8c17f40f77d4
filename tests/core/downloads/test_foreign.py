"""Lines of logs, in each form: downloads, what is none, and what nobody can read."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from affineur.core.downloads.foreign import Form, Request, day_of, detect, reader

LATEST = datetime(2026, 12, 1, tzinfo=UTC)
AT = 1795321974_000_000  # 2026-11-22T04:32:54Z
WHEEL = "foo-1.0-py3-none-any.whl"
OWN = {
    "time": "2026-11-22T04:32:54+00:00",
    "project": "foo",
    "version": "1.0",
    "file": WHEEL,
    "user_agent": "pip/26.1",
    "address": "192.0.2.0",
    "country": "FR",
    "bytes": 1280,
    "status": 200,
}
NGINX = f'192.0.2.9 - - [22/Nov/2026:04:32:54 +0000] "GET /packages/{WHEEL} HTTP/1.1" 200 1280 "-" "pip/26.1"'
FASTLY = f"Sun, 22 Nov 2026 04:32:54 GMT|FR|/packages/ab/{WHEEL}|TLSv1.3|AES128|foo|1.0|bdist_wheel|pip/26.1"


def read(form: Form, line: str | bytes) -> Request | str | None:
    return reader(form, LATEST)(line if isinstance(line, bytes) else line.encode())


def own(**changed: object) -> bytes:
    return orjson.dumps(OWN | changed)


def test_a_line_of_our_own_log_is_a_download() -> None:
    found = read("requests", own())
    assert found == Request(AT, "pip/26.1", "192.0.2.0", "FR", "", "foo", "1.0", WHEEL)
    assert day_of(AT).isoformat() == "2026-11-22"


@pytest.mark.parametrize("changed", [{"status": 302, "bytes": 0}, {"status": 307, "bytes": 0}])
def test_a_redirect_to_the_file_is_a_download(changed: dict[str, object]) -> None:
    assert isinstance(read("requests", own(**changed)), Request)


@pytest.mark.parametrize(
    "changed",
    [{"bytes": 0}, {"status": 304, "bytes": 0}, {"status": 206}, {"status": 416}, {"status": 400}, {"status": 404}],
)
def test_parts_and_answers_without_a_file_are_none(changed: dict[str, object]) -> None:
    assert read("requests", own(**changed)) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        own()[:-20],
        own(time="yesterday"),
        own(time="2026-11-22T04:32:54"),
        own(time="2126-11-22T04:32:54+00:00"),
        own(time="1826-11-22T04:32:54+00:00"),
        own(bytes="many"),
        own(status=None),
        own(user_agent=7),
        b'{"a":' * 10_000,
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_says_why(line: bytes) -> None:
    assert isinstance(read("requests", line), str)


def test_a_user_agent_that_is_no_utf_8_is_read_all_the_same() -> None:
    found = read("requests", own(user_agent="caf?").replace(b"caf?", b"caf\xe9"))
    assert isinstance(found, Request)
    assert found.user_agent == "caf\ufffd"


@pytest.mark.parametrize(
    ("time", "at"),
    [("2026-11-22T04:32:54+00:00", AT), ("2026-11-22T05:32:54+01:00", AT), ("2026-11-22T04:32:54Z", AT)],
)
def test_a_moment_is_told_in_utc_whatever_clock_nginx_goes_by(time: str, at: int) -> None:
    found = read("requests", own(time=time))
    assert isinstance(found, Request)
    assert found.at == at


@pytest.mark.parametrize(
    "line",
    [
        NGINX,
        NGINX + ' "-" 0.003',
        "files.example.org:443 " + NGINX,
        NGINX.replace("192.0.2.9 - -", "2001:db8::1 - -"),
        NGINX.replace(" - - ", " - Jane Doe "),
        NGINX.replace("+0000", "-0200").replace("04:32", "02:32"),
    ],
)
def test_combined_logs_of_nginx_and_apache_are_read(line: str) -> None:
    found = read("combined", line)
    assert isinstance(found, Request)
    assert (found.at, found.path, found.user_agent) == (AT, f"/packages/{WHEEL}", "pip/26.1")


def test_a_common_log_has_no_user_agent() -> None:
    found = read("combined", NGINX.removesuffix(' "-" "pip/26.1"'))
    assert isinstance(found, Request)
    assert found.user_agent == ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [(r"a\x22b", 'a"b'), (r"a\"b", 'a"b'), (r"a\\b", r"a\b"), (r"caf\xC3\xA9", "café"), (r"caf\xE9", "caf\ufffd")],
)
def test_escapes_of_nginx_and_apache_are_undone(written: str, meant: str) -> None:
    found = read("combined", NGINX.replace("pip/26.1", written))
    assert isinstance(found, Request)
    assert found.user_agent == meant


@pytest.mark.parametrize(
    "line",
    [NGINX.replace("GET", "HEAD"), NGINX.replace('" 200', '" 304'), NGINX.replace(" 1280", " -"),
     NGINX.replace(" 200 ", " 206 ")],
)  # fmt: skip
def test_combined_lines_that_are_no_downloads_are_left_out(line: str) -> None:
    assert read("combined", line) is None


@pytest.mark.parametrize(
    "line",
    ["", "hello", NGINX.replace("22/Nov", "22/Foo"), NGINX.replace("22/Nov", "99/Nov"), "a" * 20_000, "[" * 5_000,
     '1 - - [' + "x" * 5_000, "a:1 " * 4_000, NGINX[:40] + '\\"' * 5_000],
)  # fmt: skip
def test_combined_lines_that_nobody_can_read_say_why(line: str) -> None:
    assert isinstance(read("combined", line), str)


@pytest.mark.parametrize("head", ["download|", "2@", "<134>2026-11-22T04:32:54Z cache-1 linehaul[1]: download|"])
def test_lines_of_fastly_have_country_and_tls(head: str) -> None:
    found = read("fastly", head + FASTLY)
    assert found == Request(AT, "pip/26.1", "", "FR", f"/packages/ab/{WHEEL}", "foo", "1.0", WHEEL, "TLSv1.3", "AES128")


def test_the_first_form_of_fastly_has_no_tls() -> None:
    found = read("fastly", "1@" + FASTLY.replace("|TLSv1.3|AES128", ""))
    assert isinstance(found, Request)
    assert (found.project, found.tls_protocol, found.user_agent) == ("foo", "", "pip/26.1")


def test_a_user_agent_of_fastly_may_have_bars_in_it() -> None:
    found = read("fastly", f"download|{FASTLY}|more")
    assert isinstance(found, Request)
    assert found.user_agent == "pip/26.1|more"


def test_pages_asked_of_fastly_are_no_downloads() -> None:
    assert read("fastly", "simple|Sun, 22 Nov 2026 04:32:54 GMT|FR|/simple/foo/|TLSv1.3|AES128||||pip/26.1") is None
    assert read("fastly", "download|" + FASTLY.replace("GMT", "CET")) == "no moment"
    assert isinstance(read("fastly", "download|a|b"), str)


@pytest.mark.parametrize(
    "said",
    [
        {"time_iso8601": "2026-11-22T04:32:54+00:00", "request": f"GET /packages/{WHEEL} HTTP/2.0", "status": "200",
         "body_bytes_sent": "1280", "http_user_agent": "pip/26.1", "remote_addr": "192.0.2.9"},
        {"msec": "1795321974.000", "request_method": "GET", "request_uri": f"/packages/{WHEEL}", "status": 200,
         "bytes": 1280, "user_agent": "pip/26.1", "remote_addr": "192.0.2.9"},
        {"time_local": "22/Nov/2026:04:32:54 +0000", "uri": f"/packages/{WHEEL}", "status": 200,
         "bytes_sent": 1500, "http_user_agent": "pip/26.1", "client_ip": "192.0.2.9", "ssl_protocol": ""},
    ],
)  # fmt: skip
def test_json_of_nginx_is_read_by_the_names_of_its_variables(said: dict[str, object]) -> None:
    found = read("nginx-json", orjson.dumps(said))
    assert found == Request(AT, "pip/26.1", "192.0.2.9", "", f"/packages/{WHEEL}")


@pytest.mark.parametrize(
    "line", ["[]", "{}", "1", '{"status":200}', '{"status":"x","uri":"/a","bytes":1}', "{" * 9_000]
)
def test_json_that_lacks_what_counts_is_unreadable(line: str) -> None:
    assert isinstance(read("nginx-json", line), str)


@pytest.mark.parametrize("seconds", ["100000000000000000", "9" * 400, "253402300800", "-1", "1e99", "²"])
def test_seconds_that_no_clock_shows_are_no_moment(seconds: str) -> None:
    line = orjson.dumps({"msec": seconds, "uri": f"/packages/{WHEEL}", "status": 200, "bytes": 1})
    assert read("nginx-json", line) == "no moment"


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        ([own()], "requests"),
        ([b'{"request":"GET / HTTP/1.1"}'], "nginx-json"),
        ([b"", b"garbage", b'{"cut off', NGINX.encode()], "combined"),
        ([b"download|" + FASTLY.encode()], "fastly"),
        ([b"garbage"], None),
        ([], None),
    ],
)
def test_a_log_shows_its_form(lines: list[bytes], form: Form | None) -> None:
    assert detect(lines) == form

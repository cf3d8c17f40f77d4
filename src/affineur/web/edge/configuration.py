"""What nginx is told: its configuration, as a pure function of the settings.

Headers, content types and log fields come from the modules that send them in Python, so that the two cannot
drift apart. Three things shape the rest:

- A page's address is *rewritten* to its file's name: one open a request. ``try_files`` and ``index`` look twice.
- ``open_file_cache`` keeps descriptors, never answers: with a validity of 0 every request looks at the name again
  (one ``stat``) and a file that was taken off offer is gone at once. Any longer and it would go on being sent.
- What nginx would answer with an error goes to the application, which knows the right answer. Status 418 stands
  for "not mine" where no error has happened yet.

Sources: the nginx reference for each directive; RFC 9110 for what the answers mean.
What does not live here: starting nginx (`web.edge.program`).
"""

from __future__ import annotations

from dataclasses import dataclass

from affineur.core.views.negotiation import CONTENT_TYPES, Form
from affineur.settings import Settings
from affineur.web.hot import PAGE_HEADERS, Headers, file_headers, file_type, page_cache_control
from affineur.web.requestlog import FIELDS

from .maps import country_variable, maps
from .text import block, quoted

OLDEST = (1, 22)
"""The oldest nginx that the contract was run against (Debian 12's)."""

ASK = "/edge/file"
"""Where nginx asks the application about a request for a file (`web.edge.asking`)."""

LOG_ADDRESS_HEADER = "X-Log-Address"
"""The header of that answer that says what the request log keeps of the client's address."""

_NOT_MINE = "return 418;"
_TO_APPLICATION = "error_page 401 403 404 405 418 500 = @application;"
_REFUSED = "error_page 401 403 405 418 500 = @application;"
_HASHED = LOG_ADDRESS_HEADER.lower().replace("-", "_")
_PROJECT = r"^/simple/(?<project>[a-z0-9]+(?:-[a-z0-9]+)*)/$"
_FILE = r"^/packages/(?<project>[^/.][^/]*)/(?<version>[^/.][^/]*)/(?<file>[^/.][^/]*)$"


class Unwritable(ValueError):
    """A setting cannot be written into nginx's configuration; the message names it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where nginx listens (``host:port``), and where it finds the application: ``unix:…`` or ``host:port``."""

    listen: str
    applications: tuple[str, ...]


def server_part(settings: Settings, place: Place) -> str:
    """What belongs inside ``http { … }``: maps, log format, upstream and server.

    Raises `Unwritable` for a data folder whose path nginx would read as something else.
    """
    _check(str(settings.data.absolute()))
    lines = [*maps(settings), *_log_format(settings), *_upstream(place), *_server(settings, place)]
    return "\n".join(lines) + "\n"


def whole(settings: Settings, place: Place, *, user: str, open_files: int) -> str:
    """The configuration of an nginx that does nothing else and runs in the foreground.

    ``user`` is who its workers run as, empty to stay who we are; ``open_files`` is how many each may hold open.
    Paths that are not absolute count from its prefix, the ``run`` folder. Raises `Unwritable`.
    """
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    head = [
        *([f"user {user};"] if user else []),
        "daemon off;",
        f"worker_processes {settings.workers};",
        f"worker_rlimit_nofile {open_files};",
        # Transfers that take longer are cut when nginx is told to end.
        "worker_shutdown_timeout 10s;",
        "pid nginx.pid;",
        "error_log stderr warn;",
        "pcre_jit on;",
        *block("events", [f"worker_connections {min(4096, open_files // 3)};"]),
    ]
    http = [
        *(f"{name}_temp_path temporary;" for name in folders),
        "keepalive_requests 1000000;",
        "keepalive_timeout 75s;",
        "reset_timedout_connection on;",
        *server_part(settings, place).splitlines(),
    ]
    return "\n".join([*head, *block("http", http)]) + "\n"


def _log_format(settings: Settings) -> list[str]:
    """One JSON line with the fields of `requestlog.FIELDS`, in their order."""
    address = {
        "shorten": "$affineur_network",
        "full": "$affineur_client",
        "none": "",
        "hash": "$affineur_hashed",
    }[settings.log_address]
    values = {
        "time": '"$time_iso8601"',
        "project": '"$project"',
        "version": '"$version"',
        "file": '"$file"',
        "user_agent": '"$http_user_agent"',
        "address": f'"{address}"',
        "country": f'"{country_variable(settings)}"',
        "bytes": "$body_bytes_sent",
        "status": "$status",
    }
    line = ",".join(f'"{name}":{values[name]}' for name in FIELDS)
    return [f"log_format affineur escape=json '{{{line}}}';"]


def _upstream(place: Place) -> list[str]:
    # A server that fails is not set aside: its socket waits for the process that is started again.
    servers = [f"server {address} max_fails=0;" for address in place.applications]
    return block("upstream affineur", [*servers, "least_conn;", "keepalive 32;"])


def _server(settings: Settings, place: Place) -> list[str]:
    private = settings.read == "token"
    return block(
        "server",
        [
            f"listen {place.listen};",
            "access_log off;",
            "log_not_found off;",
            "server_tokens off;",
            "sendfile on;",
            "tcp_nopush on;",
            "open_file_cache max=200 inactive=60s;",
            "open_file_cache_valid 0;",
            "merge_slashes off;",
            "client_max_body_size 0;",
            "client_body_timeout 300s;",
            "recursive_error_pages on;",
            f"root {quoted(str(settings.public.absolute()))};",
            _TO_APPLICATION,
            # The application alone knows who may read; it sends private pages from its memory.
            *([] if private else _pages(settings)),
            *_files(settings),
            *block("location /", _handed_on("$request_uri")),
            *block("location @application", _handed_on("$request_uri")),
            # nginx has set Content-Range by then.
            *block("location @unsatisfiable", [*_handed_on("$request_uri"), "proxy_hide_header Content-Range;"]),
            *block("location @away", ["default_type text/plain;", f"return 503 {quoted(_AWAY)};"]),
        ],
    )


_AWAY = "503 Service Unavailable: the application does not answer. Pages and files are still served."


def _pages(settings: Settings) -> list[str]:
    public = settings.public.absolute()
    listed = f"{public}/root"  # the link to the present list of all projects
    headers: Headers = [
        *PAGE_HEADERS,
        (b"cache-control", page_cache_control(settings.page_max_age_seconds, private=False).encode()),
    ]
    unless_known = [f'if ($affineur_page = "") {{ {_NOT_MINE} }}']
    lines = [
        *block(
            "location = /simple/",
            [
                f"root {quoted(listed)};",
                *unless_known,
                # What the serial says must not be newer than the list that is sent: read before the list is opened.
                "set $serial $affineur_root_serial;",
                "rewrite ^ /root.$affineur_page last;",
            ],
        ),
        *block(
            "location ^~ /simple/",
            [
                *unless_known,
                f"rewrite {quoted(_PROJECT)} /$affineur_page last;",
                _NOT_MINE,
            ],
        ),
    ]
    for form in CONTENT_TYPES:
        lines += _page_form(f"/{form}", form, f"root {quoted(f'{public}/simple/$project')};", headers)
        with_serial = [*headers, (b"x-pypi-last-serial", b"$serial")]
        lines += _page_form(f"/root.{form}", form, f"alias {quoted(f'{listed}/{form}')};", with_serial)
    return lines


def _page_form(address: str, form: Form, where: str, headers: Headers) -> list[str]:
    """The locations of one form of a page: as it is, and its gzip twin, which small pages do not have."""
    plain = [
        "internal;",
        where,
        "types { }",
        f"default_type {quoted(CONTENT_TYPES[form])};",
        "max_ranges 0;",
        # Two versions of a page can be of the same second: only the ETag tells them apart.
        "if_modified_since off;",
        *_added(headers),
    ]
    twin = where.replace(f"/{form}", f"/{form}.gz") if where.startswith("alias") else where
    packed = [line if line != where else twin for line in plain]
    return [
        *block(f"location = {address}", plain),
        *block(
            f"location = {address}.gz",
            [*packed, *_added([(b"content-encoding", b"gzip")]), f"error_page 404 = @plain.{address[1:]};", _REFUSED],
        ),
        *block(f"location @plain.{address[1:]}", [f"rewrite ^ {address} last;"]),
    ]


def _files(settings: Settings) -> list[str]:
    headers = [header for header in file_headers(private=settings.read == "token") if header[0] != b"accept-ranges"]
    log = settings.logs.absolute() / "requests-$affineur_day.jsonl"
    asks = settings.read == "token" or settings.log_address == "hash"
    lines = [
        f'if ($affineur_direct = "") {{ {_NOT_MINE} }}',
        *([f"auth_request {ASK};"] if asks else []),
        *([f"auth_request_set $affineur_hashed $upstream_http_{_HASHED};"] if settings.log_address == "hash" else []),
        f"types {{ {quoted(file_type('.metadata').decode())} metadata; }}",
        f"default_type {quoted(file_type('').decode())};",
        "max_ranges 64;",
        *_added(headers),
        _TO_APPLICATION,
        "error_page 416 = @unsatisfiable;",
        f"access_log {quoted(str(log))} affineur if=$affineur_logged;",
        "open_log_file_cache max=4 inactive=1h valid=10s;",
    ]
    question = [
        "internal;",
        "proxy_pass_request_body off;",
        *_handed_on(ASK),
        'proxy_set_header Content-Length "";',
        'proxy_set_header Transfer-Encoding "";',
        _TO_APPLICATION,  # somebody else asks: `internal` says 404
        'proxy_set_header Accept "";',  # a refusal need not be a page: nobody sees it
    ]
    return [*block(f"location ~ {quoted(_FILE)}", lines), *(block(f"location = {ASK}", question) if asks else [])]


def _handed_on(target: str) -> list[str]:
    """Directives that hand a request to the application and stream both ways."""
    return [
        f"proxy_pass http://affineur{target};",
        "proxy_http_version 1.1;",
        'proxy_set_header Connection "";',
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto $affineur_scheme;",
        "proxy_request_buffering off;",
        "proxy_max_temp_file_size 0;",
        "proxy_connect_timeout 5s;",
        "proxy_send_timeout 600s;",
        "proxy_read_timeout 600s;",
        "error_page 502 504 = @away;",
    ]


def _added(headers: Headers) -> list[str]:
    return [f"add_header {name.decode()} {quoted(value.decode())};" for name, value in headers]


def _check(path: str) -> None:
    if any(character in path for character in '$"\\{};\n\r'):
        raise Unwritable(
            f"nginx cannot be told of the data folder {path!r}: choose a path without $, quotes or braces."
        )

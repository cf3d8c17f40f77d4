"""Settings: every one of them, with its default, its unit and what it is for.

One frozen object is read once at start and handed down; nothing else in Affineur reads the environment.
Order of strength: a flag on the command line, then ``AFFINEUR_<NAME>`` in the environment, then the TOML
file, then the default. `docs/reference/settings.md` is generated from this module.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from affineur.core.decision import Refused
from affineur.core.history.webhook_addresses import parse_networks
from affineur.core.people.company import parse_rules
from affineur.core.people.disclosure import parse_reporters
from affineur.core.publishers.setting import admitted_by

MIB = 1024 * 1024
GIB = 1024 * MIB

ENVIRONMENT_PREFIX = "AFFINEUR_"
NO_SETTINGS = ("AFFINEUR_CONFIG", "AFFINEUR_INDEX", "AFFINEUR_TOKEN")
"""Variables that begin so and are none: where the settings file is; and for commands, which index, with what token."""
FILE_NAME = "affineur.toml"


class SettingsError(ValueError):
    """A setting is unknown or has a value of the wrong kind; the message names it, its source and what fits."""


def _setting(default: Any, doc: str, *, least: float | None = None, most: float | None = None) -> Any:
    return field(default=default, metadata={"doc": doc, "least": least, "most": most})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one index."""

    data: Path = _setting(Path("data"), "Folder that holds everything this index knows (unless moved elsewhere below).")
    database: str = _setting(
        "",
        "Database URL; empty means SQLite at `affineur.db` in the data folder. PostgreSQL: `postgresql://user@host/name`.",
    )
    blobs: str = _setting(
        "",
        "Where distribution files are kept; empty means `blobs/` in the data folder. S3: `s3://bucket/prefix`.",
    )
    s3_endpoint: str = _setting(
        "",
        "Address of an S3-compatible service other than the default one. "
        "Keys come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.",
    )
    s3_region: str = _setting("us-east-1", "Region of the S3 bucket.")
    s3_delivery: Literal["stream", "redirect"] = _setting(
        "stream",
        "How files kept in S3 reach a client: through this server, or by redirect to a presigned address.",
    )

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8040, "Port to listen on; 0 picks a free one.", least=0, most=65535)
    workers: int = _setting(2, "Number of serving processes.", least=1, most=256)
    edge: str = _setting(
        "auto",
        "nginx in front as a managed child: `auto` (where it is installed), `off`, or the path of its binary.",
    )
    base_url: str = _setting(
        "", "Public address of this index (`https://host/` or `https://host/path/`); empty means what the request says."
    )
    index_name: str = _setting("Affineur", "Name of this index, shown in page titles and feeds.")
    trusted_proxies: int = _setting(
        0, "Number of proxies in front whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.", least=0
    )

    read: Literal["anyone", "token"] = _setting(
        "anyone", "Who may read: anyone, or only holders of a token (pages and files alike)."
    )
    new_projects: Literal["users", "operators"] = _setting("users", "Who may publish the first file of a new project.")
    allow_local_versions: bool = _setting(False, "Accept versions with a local label (`1.0+cu118`).")
    record: Literal["refuse", "report"] = _setting(
        "refuse", "What happens to an uploaded wheel whose RECORD does not match its contents."
    )
    maximum_file_bytes: int = _setting(
        100 * MIB, "Largest distribution file accepted, unless the project has a limit of its own.", least=0
    )
    maximum_project_bytes: int = _setting(
        10 * GIB, "Largest total size of a project's files, unless the project has a limit of its own.", least=0
    )
    release_window_days: int = _setting(
        14,
        "Days after its first file during which a release accepts further files; 0 means always.",
        least=0,
        most=36500,
    )
    follows: str = _setting(
        "", "Address of the index that this one mirrors, read-only; empty: it is an index of its own."
    )
    follows_token: str = _setting("", "Token with which the followed index is read, where it is private.")
    webhook_networks: str = _setting(
        "",
        "Networks (`10.0.0.0/8, …`) that webhooks may reach although they are private, also by plain `http://`; "
        "empty: public addresses over https only.",
    )
    reserve_standard_library_names: bool = _setting(
        True, "Refuse new projects named like a module of Python's standard library."
    )
    reserve_lookalike_names: bool = _setting(
        True, "Refuse new projects whose name differs from an existing one only by look-alike characters."
    )

    registration: Literal["open", "invitation", "closed"] = _setting(
        "invitation",
        "Who may make an account by themselves: anybody, those whom an operator invited, or nobody.",
    )
    second_factor_required: bool = _setting(
        True,
        "Whether everyone who signs in and can publish needs a second factor. "
        "Switch it off only where the company sign-in asks for one already.",
    )
    password_sign_in: bool = _setting(True, "Whether people may sign in with a password of this index.")
    breached_passwords: str = _setting(
        "",
        "File of known breached passwords, SHA-1 in hexadecimal, one a line, sorted; such passwords are refused. "
        "Empty: no list.",
    )
    session_days: int = _setting(30, "Days after which somebody who signed in must do so again.", least=1, most=365)
    session_idle_hours: int = _setting(72, "Hours without use after which a session ends.", least=1, most=8760)
    maximum_token_days: int = _setting(
        365, "Longest life of a token, and what it has when nothing is said.", least=1, most=36500
    )
    mail_server: str = _setting(
        "",
        "Where mail is handed in: `smtp://host:25`, `smtp+starttls://user:password@host:587`, `smtps://host:465`. "
        "Empty: mail waits in the outbox, where `affineur mail list` shows it.",
    )
    mail_from: str = _setting("", "Sender of mail; empty means `index@` and the host of `base_url`.")
    mail_contact: str = _setting("", "Address, or page, of whoever helps the people of this index; named in mail.")
    publisher_audience: str = _setting(
        "",
        "Audience of the identities of trusted publishers; empty means the host of `base_url`, else `affineur`.",
    )
    publisher_issuers: str = _setting(
        "",
        "Further issuers whose identities may be trusted to publish, one a line: `name url claim claim? id!`; "
        "a claim with `?` may be left open, one with `!` is learned from the first. GitLab instances: `gitlab url`.",
    )
    disclosure_keys: str = _setting(
        "",
        "Who may report found tokens, one a line: `url key-header signature-header`; the keys are read from the url.",
    )
    company_issuer: str = _setting("", "OpenID Connect issuer of the company's sign-in; empty: there is none.")
    company_name: str = _setting("your company", "What the sign-in page calls it.")
    company_client_id: str = _setting("", "Our client id there.")
    company_client_secret: str = _setting("", "Our client secret there.")
    company_scopes: str = _setting("openid profile email groups", "Scopes that are asked for.")
    company_groups_claim: str = _setting("groups", "Claim that holds somebody's groups.")
    company_groups: str = _setting(
        "",
        "What groups come to here, one a line: `group = operator`, `group = owner of project`, `group = member`. "
        "Renewed at each sign-in.",
    )

    page_max_age_seconds: int = _setting(
        0,
        "How long clients may reuse an index page without asking again; 0 sends `no-cache` with a validator.",
        least=0,
    )
    page_cache_bytes: int = _setting(16 * MIB, "Memory each serving process uses for index pages.", least=0)
    root_list_seconds: float = _setting(1.0, "Shortest time between two rebuilds of the list of all projects.", least=0)
    remote_images: bool = _setting(False, "Let project descriptions load images from other hosts.")

    log_address: Literal["shorten", "hash", "full", "none"] = _setting(
        "shorten",
        "How the client's address is kept in the request log: network only, keyed hash, whole, or not at all.",
    )
    country_header: str = _setting("", "Request header in which a front proxy gives the client's country.")
    statistics: str = _setting(
        "",
        "Where download statistics are kept; empty means Parquet files in `lake/` of the data folder. S3: "
        "`s3://bucket/prefix`; ClickHouse: `clickhouse://user:password@host:8123/database`, `clickhouses://` for TLS.",
    )
    collect_seconds: float = _setting(
        30.0, "How often the request log is read for downloads; 0 means only by `affineur statistics collect`.", least=0
    )
    event_days: int = _setting(
        400, "Days for which single downloads are kept; what they add up to is kept for ever.", least=1, most=36500
    )
    network_cap: int = _setting(100, "Installs a day that one network can count for in a project's impact.", least=1)
    impact_runs: Literal["monthly", "off"] = _setting(
        "monthly", "How often every project's impact class is measured by itself; a day's figures show in between."
    )
    impact_percent: float = _setting(
        1.0, "Share of the projects with installs, in percent, whose downloads make them critical.", least=0, most=100
    )
    impact_window_days: int = _setting(
        180, "Days whose downloads decide about a project's impact class.", least=7, most=3660
    )
    impact_floor: int = _setting(
        10_000, "Installs within these days below which no project is critical by its downloads.", least=0
    )
    impact_public: bool = _setting(
        True, "Whether everybody sees a project's impact class, or only its owners and the offices of this index."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "Least severe message that is logged.")

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the database."""
        if not self.database:
            return f"sqlite:///{self.data / 'affineur.db'}"
        for scheme in ("postgresql://", "postgres://"):
            if self.database.startswith(scheme):
                return "postgresql+psycopg://" + self.database.removeprefix(scheme)
        return self.database

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.database_url.startswith("sqlite")

    @property
    def public(self) -> Path:
        """Root of the public tree."""
        return self.data / "public"

    @property
    def spool(self) -> Path:
        """Where uploads are written while they stream in; on the same file system as the local blobs."""
        return self.data / "spool"

    @property
    def lake(self) -> Path:
        """Where download statistics are kept on this machine: all of them, or copies of what S3 has."""
        return self.data / "lake"

    @property
    def logs(self) -> Path:
        """Folder of the request log."""
        return self.data / "logs"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings together with where each value came from (``default``, the file's path, a variable, ``flag``)."""

    settings: Settings
    sources: Mapping[str, str]


def load(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Loaded:
    """Read settings from ``flags`` (None values are ignored), ``environment`` and the TOML ``file``.

    Without ``file``, ``AFFINEUR_CONFIG`` names it, else `affineur.toml` in the data folder is read if it exists.
    Raises `SettingsError` for unknown names and unfit values.
    """
    environment = os.environ if environment is None else environment
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    values: dict[str, object] = {}
    sources: dict[str, str] = {f.name: "default" for f in fields(Settings)}

    def take(found: Mapping[str, object], source: str) -> None:
        for name, value in found.items():
            if name not in sources:
                raise SettingsError(f"{source}: there is no setting {name!r}. `affineur config` lists them all.")
            values[name] = _convert(name, value, source)
            sources[name] = source

    from_environment = {
        key.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(ENVIRONMENT_PREFIX) and key not in NO_SETTINGS
    }
    path = file or _default_file(given, from_environment, environment)
    if path is not None:
        take(_read_file(path), str(path))
    for name, value in from_environment.items():
        take({name: value}, ENVIRONMENT_PREFIX + name.upper())
    take(given, "flag")
    return Loaded(Settings(**values), sources)  # type: ignore[arg-type]


def describe() -> list[tuple[str, str, object, str]]:
    """Every setting as ``(name, kind, default, doc)``, in the order of the class."""
    hints = Settings.__annotations__
    return [
        (f.name, str(hints[f.name]), f.default if f.default is not MISSING else None, str(f.metadata["doc"]))
        for f in fields(Settings)
    ]


def _default_file(
    flags: Mapping[str, object], settings: Mapping[str, str], environment: Mapping[str, str]
) -> Path | None:
    named = environment.get(ENVIRONMENT_PREFIX + "CONFIG")
    if named:
        return Path(named)
    data = flags.get("data") or settings.get("data") or "data"
    beside = Path(str(data)) / FILE_NAME
    return beside if beside.is_file() else None


def _read_file(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: the settings file cannot be read: {error}") from error


def _convert(name: str, value: object, source: str) -> object:
    kind = _KINDS[name]
    try:
        converted = Path(str(value)) if kind is Path else msgspec.convert(value, kind, strict=False)
        _require_within(name, converted)
        if name == "publisher_issuers":
            admitted_by(str(converted))
        if name == "webhook_networks":
            parse_networks(str(converted))
        if name == "company_groups":
            parse_rules(str(converted))
        if name == "disclosure_keys":
            parse_reporters(str(converted))
        return _public_address(str(converted)) if name in ("base_url", "follows") else converted
    except Refused as refused:
        raise SettingsError(f"{source}: {name} does not fit: {refused.decision.sentence}") from refused
    except ValueError as error:  # msgspec's are among them
        raise SettingsError(f"{source}: {name} = {value!r} does not fit: {error}") from error


def _require_within(name: str, value: Any) -> None:
    """Raises ValueError, which says the range, for a number outside of it."""
    least, most = _RANGES[name]
    if (least is not None and not value >= least) or (most is not None and not value <= most):
        raise ValueError(f"It must be at least {least}." if most is None else f"It must be from {least} to {most}.")


def _public_address(text: str) -> str:
    """``text`` with a slash at its end, as everything here counts on; ValueError for what is no such address."""
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("It must be an address such as https://host/ or https://host/path/.")
    if any(not character.isprintable() or character.isspace() for character in text):
        raise ValueError("It must not have spaces in it.")
    return text.rstrip("/") + "/" if text else ""


_RANGES: dict[str, tuple[float | None, float | None]] = {
    f.name: (f.metadata["least"], f.metadata["most"]) for f in fields(Settings)
}
_KINDS: dict[str, Any] = {}


def _fill_kinds() -> None:
    import typing

    _KINDS.update(typing.get_type_hints(Settings))


_fill_kinds()

"""`affineur token narrow`: a weaker token, made offline, from a token that stands in no argument."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from affineur.cli.errors import EXIT_USAGE
from affineur.cli.narrowing import VARIABLE, register
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import Grant, expiry, for_account, for_actions, for_projects, limits
from affineur.core.people.macaroons import MAXIMUM_CAVEATS, is_genuine, mint, read, write

KEY = b"a key that the index keeps"
PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
DEMO, OTHER = NormalizedName("demo"), NormalizedName("other")


def token(*caveats: bytes) -> str:
    return write(mint(KEY, "index.example.org", "an-id", caveats))


WHOLE = token(for_account("7"))


def program() -> typer.Typer:
    app, group = typer.Typer(), typer.Typer()
    register(group)
    app.add_typer(group, name="token")
    return app


def narrow(*arguments: str, given: str = WHOLE, environment: str | None = None) -> Result:
    return CliRunner().invoke(program(), ["token", "narrow", *arguments], input=given, env={VARIABLE: environment})


def narrowed(*arguments: str, given: str = WHOLE) -> Grant:
    """What the printed token may do; it must be genuine, and be all that is printed."""
    done = narrow(*arguments, given=given)
    assert done.exit_code == 0, done.output
    made = read(done.stdout.removesuffix("\n"))
    assert is_genuine(made, KEY)
    left = limits(made.caveats)
    assert isinstance(left, Grant)
    return left


def test_a_token_is_narrowed_to_projects_and_actions() -> None:
    left = narrowed("--project", "Demo", "--project", "o.t_her", "--action", "upload", "--action", "yank")
    assert left == Grant(
        account_id="7",
        projects=frozenset({DEMO, NormalizedName("o-t-her")}),
        actions=frozenset({"upload", "yank"}),
    )


def test_a_token_may_be_narrowed_again_and_again() -> None:
    once = narrow("--project", "demo", "--project", "other").stdout
    left = narrowed("--project", "other", "--action", "upload", given=once)
    assert (left.projects, left.actions) == ({OTHER}, {"upload"})


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("8w", timedelta(weeks=8)),
    ],
)
def test_a_token_ends_after_a_time(text: str, length: timedelta) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    left = narrowed("--expires-in", text)
    assert left.expires_at is not None
    assert before + length <= left.expires_at <= datetime.now(UTC) + length


def test_a_time_beyond_the_calendar_ends_with_it() -> None:
    assert narrowed("--expires-in", "999999w").expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2998-12-31", datetime(2998, 12, 31, tzinfo=UTC)),
        ("2998-12-31T18:00", datetime(2998, 12, 31, 18, tzinfo=UTC)),
        ("2998-12-31T18:00:01Z", datetime(2998, 12, 31, 18, 0, 1, tzinfo=UTC)),
        ("2998-12-31T18:00+02:00", datetime(2998, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_token_begins_and_ends_at_moments(text: str, moment: datetime) -> None:
    assert narrowed("--until", text).expires_at == moment
    assert narrowed("--not-before", text).not_before == moment


def test_what_is_not_asked_for_is_not_limited() -> None:
    left = narrowed("--until", "2998-12-31")
    assert (left.projects, left.actions, left.not_before) == (None, Grant().actions, datetime.fromtimestamp(0, UTC))


def test_people_are_told_what_the_new_token_may_do_beside_the_token() -> None:
    done = narrow("--project", "demo", "--action", "upload")
    assert done.stderr == "This token may upload, for demo, without end.\n"
    assert WHOLE not in done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to narrow by"),
        (["--action", "fly"], "must be one of archive, manage, read, upload, yank"),
        (["--expires-in", "12h", "--until", "2998-12-31"], "not both"),
        *((["--expires-in", text], "--expires-in") for text in ("", "h", "12", "0d", "1.5h", "²h", "1y", "9999999m")),
        (["--expires-in=-1h"], "--expires-in"),
        *((["--until", text], "--until") for text in ("", "tomorrow", "2998-13-01", "0001-01-01T00:00+23:00")),
        (["--until", "2001-01-01"], "ended already"),
        (["--not-before", "1969-12-31"], "before 1970"),
        (["--until", "2998-01-01", "--not-before", "2998-01-01"], "end before it begins"),
        (["--until", "2998-01-01", "--not-before", "2998-01-02"], "end before it begins"),
    ],
)
def test_what_makes_no_sense_is_said_and_prints_no_token(arguments: list[str], says: str) -> None:
    done = narrow(*arguments)
    assert (done.exit_code, done.stdout) == (EXIT_USAGE, "")
    assert says in done.stderr
    assert WHOLE not in done.output


@pytest.mark.parametrize(
    ("given", "arguments", "says"),
    [
        ("", ["--project", "demo"], "does not start with"),
        ("affineur-secret", ["--project", "demo"], "does not start with"),
        (WHOLE[:-4], ["--project", "demo"], "too early"),
        (WHOLE + " " + WHOLE, ["--project", "demo"], "Base64"),
        ("pypi-" + "A" * 100_000, ["--project", "demo"], "at most 8192 characters"),
        (token(for_projects([DEMO])), ["--project", "other"], "The token is not for other"),
        (token(for_actions(["read"])), ["--action", "upload"], "The token may not upload"),
        (token(*[for_account("7")] * MAXIMUM_CAVEATS), ["--project", "demo"], "at most 100 caveats"),
    ],
)
def test_a_token_that_cannot_be_narrowed_so_is_refused(given: str, arguments: list[str], says: str) -> None:
    done = narrow(*arguments, given=given)
    assert (done.exit_code, done.stdout) == (EXIT_USAGE, "")
    assert says in done.stderr
    assert "secret" not in done.stderr


def test_input_that_is_no_text_is_refused() -> None:
    done = CliRunner().invoke(
        program(), ["token", "narrow", "--project", "demo"], input=b"\xff\xfe", env={VARIABLE: None}
    )
    assert (done.exit_code, done.stdout) == (EXIT_USAGE, "")
    assert "no token" in done.stderr


def test_a_token_that_has_expired_is_refused_by_its_rule() -> None:
    done = narrow("--project", "demo", given=token(expiry(PAST + timedelta(days=1), PAST)))
    assert isinstance(done.exception, Refused)
    assert (done.exception.decision.rule, done.stdout) == ("token.expired", "")


def test_a_name_that_is_none_is_refused_by_its_rule() -> None:
    done = narrow("--project", "-demo")
    assert isinstance(done.exception, Refused)
    assert (done.exception.decision.rule, done.stdout) == ("name.format", "")


def test_a_token_that_begins_later_can_be_narrowed_now() -> None:
    assert narrowed("--project", "demo", given=token(expiry(FUTURE, FUTURE - timedelta(days=1)))).projects == {DEMO}


def test_a_token_with_limits_of_a_newer_index_is_narrowed_and_that_is_said() -> None:
    done = narrow("--project", "demo", given=token(b'["phase","full moon"]'))
    assert done.exit_code == 0
    assert is_genuine(read(done.stdout.strip()), KEY)
    assert "cannot follow" in done.stderr


def test_the_variable_comes_before_standard_input() -> None:
    done = narrow("--project", "demo", given="no token", environment=f" {WHOLE}\n")
    assert done.exit_code == 0
    assert is_genuine(read(done.stdout.strip()), KEY)


def test_it_needs_neither_index_nor_what_serves_one(tmp_path: Path) -> None:
    code = (
        "import sys, typer\n"
        "from affineur.cli.narrowing import register\n"
        "app = typer.Typer(); register(app)\n"
        "try: app()\n"
        "finally: assert not {'sqlalchemy', 'httpx', 'starlette', 'affineur.settings'} & set(sys.modules)\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFFINEUR_")}
    done = subprocess.run(
        [sys.executable, "-c", code, "--project", "demo"],
        input=WHOLE + "\n",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=kept,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert is_genuine(read(done.stdout.strip()), KEY)
    assert list(tmp_path.iterdir()) == []

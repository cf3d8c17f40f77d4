"""Secrets: what opens something is in no log, no row and no sent mail that is kept, at whatever level is logged."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import sqlalchemy as sa
from tests.services.affineur import Server
from tests.services.smtp import PostOffice
from tests.web.people import DEVICE, SESSION, Visitor, store_of
from tests.web.test_second_factors import enrol, next_code

from affineur.shell.store import schema


def ticket_in(link: str) -> str:
    return urlsplit(link).query.rpartition("=")[2]


def test_nothing_that_opens_an_account_is_kept_where_it_can_be_read(
    server: Callable[..., Server], smtp: PostOffice
) -> None:
    """Registered, forgotten, enrolled, signed in, confirmed: links, passwords, codes, cookies, form keys."""
    index = server(environment={
        "AFFINEUR_REGISTRATION": "open", "AFFINEUR_LOG_LEVEL": "debug",
        "AFFINEUR_MAIL_SERVER": f"smtp://{smtp.host}:{smtp.port}",
        "AFFINEUR_MAIL_FROM": "index@example.org", "AFFINEUR_BASE_URL": "http://localhost/",
    })  # fmt: skip
    secrets: dict[str, str] = {"password": "eleven wheels of reblochon", "new password": "twelve wheels of reblochon"}
    with Visitor(index.url) as browser:
        assert browser.post("/account/register", {"email": "rita@example.org"}).status_code == 200
        secrets["link to register"] = ticket_in(smtp.wait_for("rita@example.org", timeout=20).links[0])
        done = browser.post("/account/register/finish", {
            "ticket": secrets["link to register"], "name": "rita", "password": secrets["password"],
        })  # fmt: skip
        assert done.status_code == 303
        secrets["first session"], secrets["device"] = browser.cookie(SESSION) or "", browser.cookie(DEVICE) or ""
        secrets["form key"] = browser.form_key
        app, codes = enrol(browser)
        secrets["seed of the app"] = app.secret
        secrets |= {f"recovery code {number}": code for number, code in enumerate(codes)}
        assert len(codes) == 10
        browser.post("/account/sign-out")
        browser.post("/account/sign-in", {"name": "rita", "password": secrets["password"]})
        secrets["session that waits"] = browser.cookie(SESSION) or ""
        assert browser.post("/account/second-factor", {"code": next_code(app)}).status_code == 303
        secrets["second session"] = browser.cookie(SESSION) or ""
        assert browser.post("/account/forgotten", {"email": "rita@example.org"}).status_code == 200
        secrets["link to reset"] = ticket_in(smtp.wait_for("rita@example.org", "password", timeout=20).links[0])
        browser.get(f"/account/password/reset?ticket={secrets['link to reset']}")
        reset = {"ticket": secrets["link to reset"], "password": secrets["new password"]}
        assert browser.post("/account/password/reset", reset).status_code == 303
        assert browser.post("/account/password/reset", reset).status_code in (400, 403), "a second time is refused"
    assert all(len(each) >= 16 for each in secrets.values())
    assert len(set(secrets.values())) == len(secrets)
    with store_of(index) as store, store.read() as connection:
        rows = {
            table.name: repr(connection.execute(sa.select(*_readable(table))).all())
            for table in schema.metadata.sorted_tables
        }
    index.process.terminate()
    index.process.wait(20)
    logs = index.log.read_text() + "".join(
        each.read_bytes().decode("latin-1")
        for each in index.data.rglob("*")
        if each.is_file() and each.suffix not in (".db", ".db-wal", ".db-shm")
    )
    assert "password-reset" in logs, "the log of the program is among what was looked at"
    for called, secret in secrets.items():
        assert secret not in logs, f"{called} in a log"
        assert [name for name, text in rows.items() if secret in text] == [], f"{called} in the database"


def _readable(table: sa.Table) -> list[sa.ColumnElement[object]]:
    """All columns but the one that has to hold its secret: the seed of an app is needed to check its codes."""
    return [each for each in table.c if (table.name, each.name) != ("factor", "secret")]

"""People and publishers on an index in this process. Test support, not tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.actions.shelf import founded, publish
from tests.services.claims import GITHUB_JOB
from tests.services.issuer import Issuer

from affineur.actions import exchange, publishers
from affineur.actions.exchange import Exchanged
from affineur.actions.publishers import Added
from affineur.core.access import Actor
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import Posture, Proof, StepUp
from affineur.core.publishers import admitted_by
from affineur.core.security import Caller, Origin
from affineur.settings import load
from affineur.shell.index import Index
from affineur.shell.issuers import Issuers
from affineur.shell.store import accounts, emails, projects
from affineur.shell.store.schema import factor, outbox, security_event

NOW = datetime.now(UTC)
"""The tokens of a real issuer are of now."""
FIELDS = {"owner": "fromagerie", "repository": "roquefort", "workflow": "release.yml"}
"""The publisher whose job `tests.services.claims.GITHUB_JOB` is."""
ROQUEFORT = NormalizedName("roquefort")


class Dairy:
    """An index that listens to ``issuer`` as if it were GitHub."""

    def __init__(self, folder: Path, issuer: Issuer, **settings: object) -> None:
        values = {"data": folder, "publisher_issuers": f"github {issuer.url}", **settings}
        self.issuer = issuer
        self.index: Index = founded(load(values, environment={}).settings)
        self.issuers = Issuers(admitted_by(self.index.settings.publisher_issuers))

    def person(self, name: str, *, factor_kind: str | None = "passkey") -> int:
        """An account with a verified address, and a second factor unless told otherwise."""
        with self.index.store.write() as connection:
            key = accounts.add_account(connection, name, NOW)
            accounts.change(connection, key, password_hash="none that fits")
            emails.add(connection, key, f"{name}@example.org", NOW, verified_at=NOW)
            if factor_kind:
                connection.execute(
                    factor.insert().values(
                        account_id=key, kind=factor_kind, label="a factor", created_at=NOW, credential_id=name,
                        public_key=b"none", sign_count=0,
                    )
                )  # fmt: skip
        return key

    def own(self, name: str, *owners: str) -> NormalizedName:
        """A project with a file, and its owners."""
        publish(self.index, name)
        with self.index.store.write() as connection:
            found = projects.find(connection, name)
            assert found
            for each in owners:
                key = accounts.account_id(connection, each)
                assert key
                projects.grant(connection, found.id, key, "owner", NOW)
        return NormalizedName(name)

    def caller(self, name: str, proof: Proof | None = "passkey", *, at: datetime = NOW) -> Caller:
        """Somebody signed in who gave ``proof`` just now."""
        with self.index.store.read() as connection:
            found = accounts.account_id(connection, name)
            assert found
            actor = accounts.actor_by_id(connection, found, factor_required=True)
        assert actor
        stepped = None if proof is None else StepUp(at, proof, at - timedelta(days=30))
        posture = Posture(actor.posture.factors, actor.posture.required, stepped_up=stepped)
        return Caller(Actor(actor.account_id, actor.name, posture=posture), at, Origin("192.0.2.0", "a test"))

    def register(self, project: NormalizedName, by: str, **changes: str) -> Added:
        """Let the job of `GITHUB_JOB`, but for ``changes``, publish."""
        return publishers.add_publisher(
            self.index, self.caller(by), project, "github", self.issuer.url, {**FIELDS, **changes}
        )

    def token(self, **claims: Any) -> str:
        """An identity token of that job."""
        return self.issuer.token(**{**GITHUB_JOB, **claims})

    def exchange(self, text: str, *, address: str = "192.0.2.1", at: datetime | None = None) -> Exchanged:
        """What a job gets for its identity."""
        now = at or datetime.now(UTC)
        return exchange.exchange(self.index, self.issuers, text, "affineur", address, Origin("192.0.2.0", "a job"), now)

    def logged(self, event: str) -> list[Mapping[str, Any]]:
        """The events of the security log of that name, oldest first."""
        with self.index.store.read() as connection:
            query = sa.select(security_event).where(security_event.c.event == event).order_by(security_event.c.id)
            return [dict(row._mapping) for row in connection.execute(query)]

    def letters(self, template: str) -> list[str]:
        """Whom a letter was sent to."""
        with self.index.store.read() as connection:
            query = sa.select(outbox.c.to_address).where(outbox.c.template == template).order_by(outbox.c.to_address)
            return list(connection.scalars(query))

    def close(self) -> None:
        self.issuers.close()
        self.index.close()

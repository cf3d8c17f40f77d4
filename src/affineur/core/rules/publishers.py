"""Rules about trusted publishers."""

from __future__ import annotations

from affineur.core.publishers.publisher import MOST_PENDING, PENDING_LASTS

from .rule import Group, Rule

PUBLISHERS = (
    Group(
        "Trusted publishers",
        "A job of a build service publishes with its own identity; no secret is kept anywhere.",
        "Only the very job that was named may publish: what a service says of a job has to fit to the letter.",
        (
            Rule("publisher.kind", "A publisher is a job of a kind of service that this index knows."),
            Rule("publisher.issuer", "Identities are taken from the services that this index listens to."),
            Rule("publisher.field", "A publisher is described in full, each field as the service writes it."),
            Rule("publisher.setting", "The setting publisher_issuers names services that can be listened to."),
            Rule("publisher.there", "A publisher is added to a project once."),
            Rule("publisher.exists", "The publisher has to be one of the project's, or pending."),
            Rule(
                "publisher.none",
                "Uploads are closed to tokens only where there is a publisher.",
                "Closed to everything, a project could not be published at all.",
            ),
            Rule("publisher.open", "Only what is closed to tokens can be opened to them."),
            Rule("publisher.project-exists", "A pending publisher is for a project that does not exist yet."),
            Rule("publisher.pending-there", "A pending publisher is added once for a name."),
            Rule(
                "publisher.pending-most",
                "An account may have {most} pending publishers, each for {lasts}.",
                "Enough for a release of siblings, too few to collect names.",
                numbers={"most": MOST_PENDING, "lasts": PENDING_LASTS},
            ),
            Rule("publisher.pending-account", "A pending publisher belongs to an account, which will own the project."),
            Rule("publisher.invalid-payload", "An identity comes as a JSON object with a token in it."),
            Rule("publisher.invalid-token", "An identity token is signed by its service, in time, and for this index."),
            Rule(
                "publisher.issuer-away",
                "The service has to answer when it is asked for its keys.",
                "Without the keys of a service, anybody could have signed.",
            ),
            Rule(
                "publisher.invalid-publisher", "The claims of an identity are exactly those of a registered publisher."
            ),
            Rule("publisher.invalid-pending-publisher", "A pending publisher can still make its project."),
            Rule(
                "publisher.unconfirmed",
                "A publisher of a project that was unarchived is confirmed by an owner before it publishes again.",
                "A workflow that slept with its project may be in other hands by now.",
                ("Confirm it on the project's page under Publishing.",),
            ),
            Rule(
                "publisher.invalid-reuse-token",
                "An identity is exchanged once.",
                "An identity that was read in a log must open nothing.",
            ),
            Rule("publisher.features", "A token is given only with features that this index has (PEP 807)."),
            Rule("publisher.accept", "The addresses of PEP 807 answer in its own content type."),
        ),
    ),
)

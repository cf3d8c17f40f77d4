"""Rules about webhooks."""

from __future__ import annotations

from affineur.core.history.webhooks import ASKED_FOR_AN_HOUR, HOOKS_OF_INDEX, HOOKS_OF_PROJECT, MAXIMUM_URL

from .rule import Group, Rule

WEBHOOKS = (
    Group(
        "Webhooks",
        "A webhook is sent what the journal says, signed, entry after entry.",
        "An index sends requests where others tell it to, so it has to be careful where, and how often.",
        (
            Rule(
                "webhook.url",
                "An https:// address of at most {most} characters, without credentials, on the usual or a high port.",
                "Whatever sees the address in a list must not learn a password, and old services on low ports would "
                "take a request for something else.",
                numbers={"most": MAXIMUM_URL},
            ),
            Rule(
                "webhook.address",
                "What the host of a webhook resolves to is public, or in a network that the operator has allowed.",
                "Else anybody who owns a project could have this index ask what only its own network reaches. It is "
                "judged at each connection, since a name can come to mean another address.",
            ),
            Rule(
                "webhook.networks",
                "The setting webhook_networks names networks, each by an address and the length of its prefix.",
                "A network that was meant otherwise would open more than was wanted.",
            ),
            Rule(
                "webhook.events",
                "What a webhook is sent is named by events of the journal, and by hints.",
                "A name that no event can have would be waited for in vain.",
            ),
            Rule("webhook.exists", "The webhook has to be there.", "A wrong id must not look like success."),
            Rule(
                "webhook.there",
                "An address is told once.",
                "Two webhooks to one address would tell it everything twice.",
            ),
            Rule(
                "webhook.most",
                "A project has at most {project} webhooks, the index itself {index}.",
                "Every entry is sent to each of them.",
                numbers={"project": HOOKS_OF_PROJECT, "index": HOOKS_OF_INDEX},
            ),
            Rule(
                "webhook.often",
                "A webhook is tried by hand at most {most} times an hour.",
                "Each try is a request to somebody's server.",
                numbers={"most": ASKED_FOR_AN_HOUR},
            ),
            Rule(
                "webhook.delivery",
                "Sent once more is what the log of the webhook shows, and what the journal has.",
                "The log is kept for a while only; the journal is kept for good.",
            ),
        ),
    ),
)

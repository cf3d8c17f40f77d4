"""Rules about how often something may be tried: numbers straight from `core.people.throttle` and
`core.people.roles`.
"""

from __future__ import annotations

from affineur.core.people import roles, throttle
from affineur.core.people.throttle import Limit

from .rule import Group, Number, Rule

Paced = tuple[str, tuple[Limit, ...]]


def _paced(why: str, *what: Paced) -> Rule:
    """The rule of the limits that ``what`` is held to, all of one name."""
    numbers: dict[str, Number] = {}
    sentences = []
    for subject, limits in what:
        shares = []
        for limit in limits:
            place = len(numbers) // 2
            numbers |= {f"most{place}": limit.attempts, f"while{place}": limit.window}
            shares.append(f"{{most{place}}} in {{while{place}}}")
        sentences.append(f"{subject}: at most {', '.join(shares)}.")
    return Rule(f"throttle.{what[0][1][0].name}", " ".join(sentences), why, numbers=numbers)


PACE = (
    Group(
        "How often",
        "Attempts are counted from the first on; the answer says when again.",
        "Whoever guesses or floods needs many attempts, and people need few.",
        (
            _paced(
                "Guessing a password must take longer than anybody lives, and nobody is to lock out the owner.",
                ("Failed sign-ins to one account", throttle.SIGN_IN_ACCOUNT),
                ("From one address", throttle.SIGN_IN_PAIR),
            ),
            _paced(
                "A device that has signed in before is counted apart: who fails on purpose locks no owner out.",
                ("Failed sign-ins to one account from a device it knows", throttle.SIGN_IN_DEVICE),
            ),
            _paced(
                "One password tried on many accounts is guessing too; a whole company may share an address.",
                ("Failed sign-ins from one address", throttle.SIGN_IN_ADDRESS),
            ),
            _paced(
                "Nobody guesses a passkey; this bounds what has to be kept of sign-ins that were begun.",
                ("Sign-ins by passkey begun from one address", throttle.PASSKEY_SIGN_IN),
            ),
            _paced(
                "A code is short: whoever has the password must not get to try many.",
                ("Wrong codes for one account", throttle.SECOND_FACTOR),
            ),
            _paced(
                "Nobody's mailbox is to be filled from here.",
                ("Mails for a new password to one mailbox", throttle.RESET_MAIL),
            ),
            _paced(
                "Nobody's mailbox is to be filled from here.",
                ("Mails for a new password asked for from one address", throttle.RESET_ADDRESS),
            ),
            _paced(
                "Nobody's mailbox is to be filled from here.",
                ("Mails to verify one mailbox", throttle.VERIFY_MAIL),
            ),
            _paced(
                "A class in one room can sign up; a program that makes accounts cannot.",
                ("Registrations from one address", throttle.REGISTRATION),
            ),
            _paced(
                "Each is a mail to somebody who did not ask for it.",
                ("Invitations from one account", throttle.INVITATION),
                ("For one project", roles.INVITATION_PROJECT),
            ),
            _paced(
                "As much as a conversation needs before it moves to mail.",
                ("Messages to the people of projects from one account", throttle.RELAY),
                ("To one project", roles.RELAY_PROJECT),
            ),
            _paced(
                "Build services share few addresses among many projects, so this only stops floods.",
                ("Refused exchanges of identities from one address", throttle.TOKEN_MINT),
            ),
            _paced(
                "Names are not to be collected by a program.",
                ("Publishers registered by one account", throttle.PENDING_PUBLISHER),
            ),
        ),
    ),
)

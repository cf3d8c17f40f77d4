"""Rules about one's own account."""

from __future__ import annotations

from affineur.core.people.accounts import MOST_ADDRESSES
from affineur.core.people.second_factor import REMOVAL_WAITS

from .rule import Group, Rule

ACCOUNT = (
    Group(
        "Your account",
        "A name that everybody sees, and addresses that nobody does.",
        "A name and its addresses are how people know whom they trust, and how the index reaches them.",
        (
            Rule(
                "register.closed",
                "Where registration is closed, operators make accounts on the console.",
                "Who belongs here is for the operator to say.",
                settings=("registration",),
            ),
            Rule(
                "register.invitation",
                "Where registration is by invitation, an operator sends one.",
                "Who belongs here is for the operator to say.",
                settings=("registration",),
            ),
            Rule(
                "register.link",
                "A link for making an account works once, and not for ever.",
                "A link that lies in a mailbox for years is an open door.",
            ),
            Rule(
                "account.reserved",
                "Names that would speak for the index, such as admin or support, are nobody's.",
                "A name that sounds official is half of a fraud.",
            ),
            Rule(
                "account.taken",
                "A name belongs to one account for ever, also after that is deleted.",
                "Whoever comes later must not inherit the trust in somebody else.",
            ),
            Rule(
                "account.lookalike",
                "A new name must not be mistaken for another's (l, i and 1; o and 0; separators).",
                "Names that read alike are how people are made to trust somebody else.",
            ),
            Rule(
                "account.machine",
                "Nobody signs in as a machine: it has tokens.",
                "Who signs in is a person; who did something must stay clear.",
            ),
            Rule("account.confirmed", "Who deletes an account types its name first."),
            Rule(
                "account.sole-owner",
                "The only owner of a project hands it over before the account can be deleted.",
                "A project without an owner has nobody who could answer for it.",
            ),
            Rule(
                "account.sole-sponsor", "The only sponsor of a machine finds another before the account can be deleted."
            ),
            Rule("account.last-operator", "An index keeps at least one operator."),
            Rule("email.format", "One address, such as name@example.org, and nothing beside it."),
            Rule("email.exists", "An address is in an account once."),
            Rule("email.unknown", "The address has to be one of your account's."),
            Rule(
                "email.most",
                "An account has at most {most} addresses.",
                numbers={"most": MOST_ADDRESSES},
            ),
            Rule("email.taken", "An address is verified by one account at a time."),
            Rule(
                "email.link",
                "A link that verifies an address works once, for the account it was made for.",
                "A link that lies in a mailbox for years is an open door.",
            ),
            Rule("email.unverified", "Mail about an account goes to a verified address."),
            Rule("email.last", "An account keeps one verified address at least."),
            Rule(
                "email.new",
                "An address goes once another stays that was verified before it, or {waits} ago.",
                "Else whoever got hold of a session puts their own address in the place of the owner's.",
                numbers={"waits": REMOVAL_WAITS},
            ),
            Rule(
                "signin.wrong",
                "Name and password have to belong together; which of them was wrong is not told.",
                "Else strangers could find out who has an account.",
            ),
            Rule(
                "signin.off",
                "An index can be told to take no passwords.",
                settings=("password_sign_in",),
            ),
            Rule("signin.frozen", "Nobody signs in to an account that moderators froze."),
            Rule(
                "password.current",
                "A new password takes the present one, even of who is signed in.",
                "A browser that was left open is not its owner.",
            ),
            Rule(
                "password.link",
                "A link for a new password works once, and not for ever.",
                "A link that lies in a mailbox for years is an open door.",
            ),
            Rule("session.exists", "A session has to be one of your account's that has not ended."),
        ),
    ),
)

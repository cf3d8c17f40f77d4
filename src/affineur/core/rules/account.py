"""Rules about one's own account."""

from __future__ import annotations

from .rule import Group, Rule

ACCOUNT = (
    Group(
        "Your account",
        "A name that everybody sees, and addresses that nobody does.",
        "",
        (
            Rule("register.closed", "Where registration is closed, operators make accounts on the console."),
            Rule("register.invitation", "Where registration is by invitation, an operator sends one."),
            Rule("register.link", "A link for making an account works once, and not for ever."),
            Rule("account.reserved", "Names that would speak for the index, such as admin or support, are nobody's."),
            Rule("account.taken", "A name belongs to one account for ever, also after that is deleted."),
            Rule(
                "account.lookalike", "A new name must not be mistaken for another's (l, i and 1; o and 0; separators)."
            ),
            Rule("account.machine", "Nobody signs in as a machine: it has tokens."),
            Rule("account.confirmed", "Who deletes an account types its name first."),
            Rule("account.sole-owner", "The only owner of a project hands it over before the account can be deleted."),
            Rule(
                "account.sole-sponsor", "The only sponsor of a machine finds another before the account can be deleted."
            ),
            Rule("account.last-operator", "An index keeps at least one operator."),
            Rule("email.format", "One address, such as name@example.org, and nothing beside it."),
            Rule("email.exists", "An address is in an account once."),
            Rule("email.unknown", "The address has to be one of your account's."),
            Rule("email.most", "An account has at most ten addresses."),
            Rule("email.taken", "An address is verified by one account at a time."),
            Rule("email.link", "A link that verifies an address works once, for the account it was made for."),
            Rule("email.unverified", "Mail about an account goes to a verified address."),
            Rule("email.last", "An account keeps one verified address at least."),
            Rule("email.new", "An address goes once another stays that was verified before it, or 72 hours ago."),
            Rule("signin.wrong", "Name and password have to belong together; which of them was wrong is not told."),
            Rule("signin.off", "An index can be told to take no passwords."),
            Rule("signin.frozen", "Nobody signs in to an account that moderators froze."),
            Rule("password.current", "A new password takes the present one, even of who is signed in."),
            Rule("password.link", "A link for a new password works once, and not for ever."),
            Rule("session.exists", "A session has to be one of your account's that has not ended."),
        ),
    ),
)

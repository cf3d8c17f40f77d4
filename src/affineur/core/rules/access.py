"""Rules about who may do what, with which token."""

from __future__ import annotations

from affineur.core import access
from affineur.core.people import accounts, disclosure, second_factor, tokens

from .rule import Group, Rule

ACCESS = (
    Group(
        "Who may",
        "Publishing needs a token; a private index asks for one to read as well.",
        "What many people install must be changed only by those who answer for it.",
        (
            Rule(
                "identity.token",
                "A token of this index: user name __token__, the token as the password.",
                "A token can be narrowed, seen in a list and revoked by itself; a password can not.",
                ("Make a token on your tokens page.",),
            ),
            Rule(
                "identity.password",
                "Passwords of accounts are never taken. Use a token.",
                "A password in a build script opens everything, and cannot be taken back alone.",
                ("Make a token on your tokens page.",),
            ),
            Rule(
                "access.read",
                "Reading is open to anyone, or, on a private index, to every token.",
                "Some indexes hold what is not for everybody.",
                settings=("read",),
            ),
            Rule(
                "access.scope",
                "A token does what it was made for: upload, yank, archive, read, manage.",
                "A token that leaks should open as little as possible.",
                ("Make another token for it.",),
            ),
            Rule(
                "access.signed-in",
                "Some acts need somebody who is signed in: no token is enough.",
                "Tokens are copied into places that others can read; what concerns people needs the person.",
                ("Sign in, and do it on the pages.",),
            ),
            Rule(
                "access.step-up",
                "Dangerous acts ask for a proof that is not older than {lasts}.",
                "A browser that was left open, or a stolen session, is not its owner.",
                ("Confirm that it is you, then do it again.",),
                {"lasts": second_factor.STEP_UP_LASTS},
            ),
            Rule(
                "access.strong",
                "Some ask for a proof that cannot be phished: a passkey, or a code on a device known for {settled}.",
                "Whoever phished a code comes with a device that is new here.",
                ("Use a passkey.", "Use a device that you have long signed in with."),
                {"settled": second_factor.DEVICE_SETTLES},
            ),
            Rule(
                "access.token",
                "A token may be narrowed to certain projects, and then acts on no other.",
                "A token that leaks should open as little as possible.",
                ("Make another token for it.",),
            ),
            Rule(
                "access.create",
                "Where the operator wants it so, only operators publish the first file of a project.",
                "In a company, new names are often to be agreed on first.",
                ("Ask an operator.",),
                settings=("new_projects",),
            ),
            Rule(
                "access.role",
                "Publishing and yanking take the role owner or maintainer; changing a status, owner.",
                "Daily work is shared among many; what becomes of a project is decided by few.",
                ("Ask an owner of the project.",),
            ),
            Rule("access.office", "Some acts are those of operators, moderators or auditors of the index."),
            Rule(
                "access.paused",
                "While a project is quarantined, its tokens and trusted publishers are paused; accounts are not.",
                "Whoever got hold of them must not go on, and its owners have to be able to answer.",
                ("Sign in on the pages, to see the case and to appeal.",),
            ),
            Rule(
                "access.report", "Whoever has an account may report a project.", "Harm is seen first by those it hits."
            ),
            Rule("access.own", "What belongs to an account is its holder's business."),
            Rule(
                "access.machine",
                "Machines publish, yank and read; they make no projects and manage no people.",
                "A program cannot answer for a decision.",
            ),
            Rule(
                "access.sponsors",
                "A machine with fewer than {needed} people who answer for it is paused after {waits}, and a new one "
                "waits for them.",
                "One person who leaves must not leave behind a machine that nobody knows.",
                ("Invite another person to answer for it.",),
                {"needed": access.SPONSORS_NEEDED, "waits": access.SPONSORLESS_WAITS},
            ),
            Rule(
                "access.publishers-only",
                "The owners of a project may close it to everything but trusted publishers.",
                "Then no stolen token can publish.",
                ("Publish from the project's trusted publisher.",),
            ),
            Rule(
                "access.frozen",
                "An account that moderators froze may do nothing until they lift it.",
                "An account in foreign hands does harm every minute; its projects stay as they are.",
                ("Answer the moderators' mail.",),
            ),
            Rule(
                "access.system",
                "The command line on the index's own machine may do everything.",
                "Whoever has the machine has the data anyway; its acts are logged like all others.",
            ),
            Rule("access.protected", "Who publishes has a second factor; who answers for a machine is known."),
            Rule(
                "account.name",
                "The name of an account: letters, digits, '.', '_' and '-'; whoever chooses one has {chosen} of them.",
                "Names stand in addresses and in logs, and must be told apart by eye.",
                numbers={"chosen": accounts.LONGEST_CHOSEN_NAME},
            ),
            Rule("account.exists", "An account of that name has to exist, or must not exist yet."),
        ),
    ),
    Group(
        "Tokens",
        "What a token may be, and when it is refused.",
        "A token is made once and copied often: whatever limits it has to hold wherever it ends up.",
        (
            Rule("token.exists", "The token has to be one of this index, and not revoked."),
            Rule("token.expiry", "A token's end has to lie in the future."),
            Rule("token.operator", "An account that exists is not made an operator's in passing."),
            Rule(
                "token.longest",
                "A token lives no longer than {maximum_token_days}, nor than the token it was made with.",
                "Forgotten tokens are found by others; one day each of them ends by itself.",
            ),
            Rule(
                "token.label",
                "A token's name is one line of up to {longest} characters.",
                "By its name one knows which to revoke.",
                numbers={"longest": tokens.LONGEST_LABEL},
            ),
            Rule("token.actions", "A token is for at least one action."),
            Rule("token.projects", "A token for certain projects is for at least one."),
            Rule(
                "token.wider",
                "A token makes none that may do more than itself.",
                "Else its limits would last for one request.",
            ),
            Rule("token.made", "A form makes one token, however often it is sent."),
            Rule(
                "token.count",
                "An account has up to {most} tokens in force.",
                "Nobody overlooks more; a service that needs more needs trusted publishers.",
                ("Revoke tokens that are not used.",),
                {"most": tokens.MOST_TOKENS},
            ),
            Rule("token.revoked", "A token that was revoked is refused from then on, everywhere."),
            Rule("token.caveat", "Every limit in a token must be one this index understands; none is half believed."),
            Rule("token.expired", "A token ends at its moment; make a new one."),
            Rule("token.not-yet", "A token may begin later than it was made; before that it is refused."),
        ),
    ),
    Group(
        "Found tokens",
        "Whoever scans published code for secrets may report tokens of this index; those are revoked at once.",
        "A token that was published is in wrong hands within minutes; a false report must cost nobody a token.",
        (
            Rule("disclosure.reporter", "Those report whom the operator has named."),
            Rule(
                "disclosure.report",
                "A report is a JSON list of up to {most} objects with token, type and url.",
                numbers={"most": disclosure.MAXIMUM_REPORTED},
            ),
            Rule("disclosure.signature", "A report is signed with a key that its sender publishes."),
            Rule("disclosure.keys-away", "A report can be believed once its sender's keys can be read."),
        ),
    ),
)

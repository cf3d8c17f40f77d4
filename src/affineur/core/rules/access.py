"""Rules about who may do what, with which token."""

from __future__ import annotations

from .rule import Group, Rule

ACCESS = (
    Group(
        "Who may",
        "Publishing needs a token; a private index asks for one to read as well.",
        "",
        (
            Rule("identity.token", "A token of this index: user name __token__, the token as the password."),
            Rule("identity.password", "Passwords of accounts are never taken. Use a token."),
            Rule("access.read", "Reading is open to anyone, or, on a private index, to every token."),
            Rule("access.scope", "A token does what it was made for: upload, yank, archive, read, manage."),
            Rule("access.signed-in", "Some acts need somebody who is signed in: no token is enough."),
            Rule("access.step-up", "Dangerous acts ask for a proof that is not older than five minutes."),
            Rule(
                "access.strong",
                "Some ask for a proof that cannot be phished: a passkey, or a code on a settled device.",
            ),
            Rule("access.token", "A token may be narrowed to certain projects, and then acts on no other."),
            Rule(
                "access.create", "Where the operator wants it so, only operators publish the first file of a project."
            ),
            Rule("access.role", "Publishing and yanking take the role owner or maintainer; changing a status, owner."),
            Rule("access.office", "Some acts are those of operators, moderators or auditors of the index."),
            Rule("access.own", "What belongs to an account is its holder's business."),
            Rule("access.machine", "Machines publish, yank and read; they make no projects and manage no people."),
            Rule("access.sponsors", "A machine for which too few people answer is paused until another one does."),
            Rule(
                "access.publishers-only", "The owners of a project may close it to everything but trusted publishers."
            ),
            Rule("access.frozen", "An account that moderators froze may do nothing until they lift it."),
            Rule("access.system", "The command line on the index's own machine may do everything."),
            Rule("access.protected", "Who publishes has a second factor; who answers for a machine is known."),
            Rule("account.name", "The name of an account: letters, digits, '.', '_' and '-'."),
            Rule("account.exists", "An account of that name has to exist, or must not exist yet."),
            Rule("token.exists", "The token has to be one of this index, and not revoked."),
            Rule("token.expiry", "A token's end has to lie in the future."),
            Rule("token.operator", "An account that exists is not made an operator's in passing."),
            Rule(
                "token.longest", "A token lives no longer than the index allows, nor than the token it was made with."
            ),
            Rule("token.label", "A token's name is one line of up to 100 characters."),
            Rule("token.actions", "A token is for at least one action."),
            Rule("token.projects", "A token for certain projects is for at least one."),
            Rule("token.wider", "A token makes none that may do more than itself."),
            Rule("token.made", "A form makes one token, however often it is sent."),
            Rule("token.count", "An account has up to 200 tokens in force."),
            Rule("token.revoked", "A token that was revoked is refused from then on, everywhere."),
            Rule(
                "token.caveat", "Every limit in a token must be one this index understands; no token is half believed."
            ),
            Rule("token.expired", "A token ends at its moment; make a new one."),
            Rule("token.not-yet", "A token may begin later than it was made; before that it is refused."),
        ),
    ),
    Group(
        "Found tokens",
        "Whoever scans published code for secrets may report tokens of this index; those are revoked at once.",
        "",
        (
            Rule("disclosure.reporter", "Those report whom the operator has named."),
            Rule("disclosure.report", "A report is a JSON list of up to 1,000 objects with token, type and url."),
            Rule("disclosure.signature", "A report is signed with a key that its sender publishes."),
            Rule("disclosure.keys-away", "A report can be believed once its sender's keys can be read."),
        ),
    ),
)

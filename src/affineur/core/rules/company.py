"""Rules about the company sign-in."""

from __future__ import annotations

from affineur.core.people import company_errand, company_identity, second_factor

from .rule import Group, Rule

COMPANY = (
    Group(
        "Company sign-in",
        "Where the operator set it up, people sign in with the company's OpenID Connect provider.",
        "Whoever can forge or replay an answer of the company's sign-in can be anybody here.",
        (
            Rule(
                "company.off",
                "An index has a company sign-in where its operator set one up.",
                "Without one there is nobody to ask.",
            ),
            Rule(
                "company.setting",
                "The company sign-in has to be set up right by whoever runs the index.",
                "A guess at what was meant could let in the wrong people.",
                ("Tell an operator; the server's log says what is wrong.",),
            ),
            Rule(
                "company.away",
                "The company's sign-in has to answer; sessions and tokens work on without it.",
                "Nobody is let in by a provider that cannot be asked.",
                ("Try again in a few minutes.",),
            ),
            Rule(
                "company.state",
                "An answer belongs to the browser that asked, within {lasts}.",
                numbers={"lasts": company_errand.LASTS},
            ),
            Rule(
                "company.declined",
                "The company's sign-in may say no, and does not have to say why.",
                "Who belongs to the company is for the company to say.",
            ),
            Rule("company.code", "A code of the company's sign-in is good once, for a short time, for this index."),
            Rule("company.used", "An answer of the company's sign-in is taken once."),
            Rule("company.token", "An answer has to be signed by the company's sign-in and to say who signed in."),
            Rule("company.issuer", "Only the sign-in that the operator chose may answer."),
            Rule("company.audience", "An answer has to be made for this index."),
            Rule(
                "company.expired",
                "An answer is good for a short time; clocks may differ by {leeway}.",
                numbers={"leeway": company_identity.LEEWAY},
            ),
            Rule("company.nonce", "An answer has to belong to this very sign-in."),
            Rule(
                "company.groups",
                "Groups that cannot be read are not taken for none.",
                "Roles would be lost by a fault in an answer, and nobody would know why.",
            ),
            Rule(
                "company.member",
                "Where the operator names members, only people in a group that is named may sign in.",
                "A provider often knows more people than those who should be here.",
            ),
            Rule(
                "company.address",
                "An account is never taken over because an address is the same: its holder links it.",
                "Addresses are given to other people when somebody leaves.",
                ("Sign in as before, and link the company sign-in on your account's page.",),
            ),
            Rule(
                "company.linked",
                "One account is linked to one person at the company, and the other way round.",
                "It must stay clear who did something.",
            ),
            Rule(
                "company.only-way",
                "The last way into an account is not taken away.",
                "An account that nobody can enter helps nobody.",
                ("Set a password first.",),
            ),
            Rule(
                "company.other",
                "A confirmation comes from the person whose account it is.",
                "Somebody else's proof proves nothing about you.",
            ),
            Rule(
                "company.fresh",
                "A confirmation at the company is one that was given within {lasts}.",
                "A sign-in of this morning does not show who sits there now.",
                numbers={"lasts": second_factor.STEP_UP_LASTS},
            ),
            Rule(
                "signin.company-only",
                "Where passwords are switched off, passkeys do not go around the company either.",
                "Who left the company must not keep a way in.",
                settings=("password_sign_in",),
            ),
        ),
    ),
)

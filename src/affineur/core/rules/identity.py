"""Rules about who somebody is: passwords, second factors, company sign-in, recovery."""

from __future__ import annotations

from .rule import Group, Rule

IDENTITY = (
    Group(
        "Who you are",
        "The same baseline for all who publish or hold an office. Nobody loses a role for being late: acts pause.",
        "",
        (
            Rule("factor.first", "A second factor comes before the first role, and before what an office allows."),
            Rule("factor.manage", "90 days with a role or an office and without a second factor pause managing."),
            Rule(
                "factor.publish", "180 days with a role or an office and without a second factor pause publishing too."
            ),
            Rule("factor.address", "Passkeys work only where the index has a host name and https."),
            Rule("factor.registration", "A new key has to answer this page's question, for this index, with a touch."),
            Rule("factor.assertion", "A key's answer has to be signed by it, for this question and this index."),
            Rule("factor.unknown", "A key has to be one that this account registered."),
            Rule("factor.unverified", "Without a password, the passkey has to ask for a PIN, finger or face."),
            Rule("factor.cloned", "A key whose counter does not rise may have been copied, and is not taken."),
            Rule("factor.code", "A code is the app's newest, or an unused recovery code; each works once."),
            Rule("factor.challenge", "A key answers what this very page asked, once, within ten minutes."),
            Rule("factor.known", "A key is registered once, with one account."),
            Rule("factor.most", "An account has at most 20 passkeys and three authenticator apps."),
            Rule("factor.label", "Each second factor has a short name of its own."),
            Rule("factor.exists", "The second factor has to be one of your account's."),
            Rule("factor.codes", "Recovery codes come with a second factor."),
            Rule("confirm.factor", "Who has a second factor confirms with it; the password is not enough."),
            Rule("confirm.password", "Without a second factor, the password confirms that it is you."),
            Rule("signin.stage", "The second factor is asked for within 15 minutes of the password."),
            Rule(
                "signin.company-only", "Where passwords are switched off, passkeys do not go around the company either."
            ),
            Rule("company.off", "An index has a company sign-in where its operator set one up."),
            Rule("company.setting", "The company sign-in has to be set up right by whoever runs the index."),
            Rule("company.away", "The company's sign-in has to answer; sessions and tokens work on without it."),
            Rule("company.state", "An answer belongs to the browser that asked, within ten minutes."),
            Rule("company.declined", "The company's sign-in may say no, and does not have to say why."),
            Rule("company.code", "A code of the company's sign-in is good once, for a short time, for this index."),
            Rule("company.used", "An answer of the company's sign-in is taken once."),
            Rule("company.token", "An answer has to be signed by the company's sign-in and to say who signed in."),
            Rule("company.issuer", "Only the sign-in that the operator chose may answer."),
            Rule("company.audience", "An answer has to be made for this index."),
            Rule("company.expired", "An answer is good for a short time; clocks may differ by 30 seconds."),
            Rule("company.nonce", "An answer has to belong to this very sign-in."),
            Rule("company.groups", "Groups that cannot be read are not taken for none."),
            Rule(
                "company.member", "Where the operator names members, only people in a group that is named may sign in."
            ),
            Rule(
                "company.address", "An account is never taken over because an address is the same: its holder links it."
            ),
            Rule("company.linked", "One account is linked to one person at the company, and the other way round."),
            Rule("company.only-way", "The last way into an account is not taken away."),
            Rule("company.other", "A confirmation comes from the person whose account it is."),
            Rule("company.fresh", "A confirmation at the company is one that was given within five minutes."),
            Rule("password.length", "A password has 12 to 1,024 characters, of any kind."),
            Rule("password.breached", "A password must not be in the operator's list of stolen passwords."),
            Rule("password.guessable", "A password must be hard to guess, also for who knows its owner's name."),
            Rule("password.breach-list", "The list of breached passwords has to be a sorted file of SHA-1 hashes."),
            Rule("signin.busy", "Only so many passwords are checked at once; the next is asked to wait a few seconds."),
            Rule("recovery.address", "Recovery begins with a mail to a verified address of the account."),
            Rule("recovery.link", "A link in a mail about recovery works once, and not for ever."),
            Rule("recovery.exists", "There has to be a recovery that is open."),
            Rule(
                "recovery.wait", "A recovery without a code waits one to fourteen days, so that the owner can object."
            ),
            Rule("recovery.cancelled", "A recovery ends when somebody who can sign in, or reads the mail, cancels it."),
            Rule("recovery.expired", "A recovery is completed within 30 days of its wait, or begun anew."),
            Rule("recovery.vouch", "Vouching takes another person with a second factor, a co-owner for 30 days."),
            Rule("form.origin", "A form is taken from the pages of this index only."),
            Rule(
                "throttle.sign-in-account",
                "Only so many sign-ins to one account are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.sign-in-device",
                "Only so many sign-ins from one device are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.sign-in-address",
                "Only so many sign-ins from one address are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.passkey-sign-in",
                "Only so many sign-ins by passkey from one address are counted in a while; the answer says when again.",
            ),
            Rule("throttle.second-factor", "Only so many codes are counted in a while; the answer says when again."),
            Rule(
                "throttle.reset-mail",
                "Only so many mails for a new password are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.reset-address",
                "Only so many requests for a new password are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.verify-mail",
                "Only so many mails to verify an address are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.registration",
                "Only so many registrations are counted in a while; the answer says when again.",
            ),
            Rule("throttle.invitation", "Only so many invitations are counted in a while; the answer says when again."),
            Rule(
                "throttle.relay",
                "Only so many messages to the people of projects are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.token-mint",
                "Only so many failed exchanges of identities are counted in a while; the answer says when again.",
            ),
            Rule(
                "throttle.pending-publisher",
                "Only so many pending publishers are counted in a while; the answer says when again.",
            ),
        ),
    ),
)

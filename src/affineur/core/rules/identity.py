"""Rules about who somebody is: second factors, passwords, recovery."""

from __future__ import annotations

from affineur.core.people import enrolment, passwords, recovery, second_factor

from .rule import Group, Rule

IDENTITY = (
    Group(
        "Second factors",
        "The same baseline for all who publish or hold an office. Nobody loses a role for being late: acts pause.",
        "Passwords are phished, reused and guessed. What many people install must not hang on one of them.",
        (
            Rule(
                "factor.first",
                "A second factor comes before the first role, and before what an office allows.",
                ways=("Add a passkey or an authenticator app on your security page.",),
                settings=("second_factor_required",),
            ),
            Rule(
                "factor.manage",
                "{waits} with a role or an office and without a second factor pause managing.",
                "A pause can be ended by its holder in a minute; a role that was taken away could not.",
                ("Add a passkey or an authenticator app: everything resumes at once.",),
                {"waits": second_factor.MANAGEMENT_WAITS},
                ("second_factor_required",),
            ),
            Rule(
                "factor.publish",
                "{waits} with a role or an office and without a second factor pause publishing too.",
                "Publishing pauses last, since fixes depend on it.",
                ("Add a passkey or an authenticator app: everything resumes at once.",),
                {"waits": second_factor.PUBLISHING_WAITS},
                ("second_factor_required",),
            ),
            Rule(
                "factor.address",
                "Passkeys work only where the index has a host name and https.",
                "Browsers bind a passkey to a host; that is what makes it safe from phishing.",
            ),
            Rule("factor.registration", "A new key has to answer this page's question, for this index, with a touch."),
            Rule("factor.assertion", "A key's answer has to be signed by it, for this question and this index."),
            Rule("factor.unknown", "A key has to be one that this account registered."),
            Rule(
                "factor.unverified",
                "Without a password, the passkey has to ask for a PIN, finger or face.",
                "Else whoever finds the key is its owner.",
            ),
            Rule("factor.cloned", "A key whose counter does not rise may have been copied, and is not taken."),
            Rule(
                "factor.code",
                "A code is the app's newest, or an unused recovery code; each works once.",
                "A code that was looked at over a shoulder is of no more use.",
            ),
            Rule(
                "factor.challenge",
                "A key answers what this very page asked, once, and soon.",
                "An answer that was recorded must open nothing later.",
                ("Load the page again.",),
            ),
            Rule("factor.known", "A key is registered once, with one account."),
            Rule(
                "factor.most",
                "An account has at most {passkeys} passkeys and {apps} authenticator apps.",
                "A list that nobody can overlook hides the key that somebody else added.",
                numbers={"passkeys": enrolment.MOST_PASSKEYS, "apps": enrolment.MOST_APPS},
            ),
            Rule(
                "factor.label",
                "Each second factor has a name of its own, of at most {longest} characters.",
                "By its name one knows which to remove when a device is lost.",
                numbers={"longest": enrolment.LONGEST_LABEL},
            ),
            Rule("factor.exists", "The second factor has to be one of your account's."),
            Rule("factor.codes", "Recovery codes come with a second factor.", "Without one they replace nothing."),
            Rule("confirm.factor", "Who has a second factor confirms with it; the password is not enough."),
            Rule(
                "confirm.password",
                "Without a second factor, the password confirms that it is you.",
                "A browser that was left open is not its owner.",
            ),
            Rule(
                "signin.stage",
                "The second factor is asked for within {within} of the password.",
                "A sign-in that was begun and left must not wait for somebody else.",
                ("Sign in again.",),
                {"within": second_factor.FACTOR_WITHIN},
            ),
        ),
    ),
    Group(
        "Passwords",
        "Only for signing in on the pages; programs use tokens.",
        "Most stolen accounts were opened with a password that had been guessed, or stolen elsewhere.",
        (
            Rule(
                "password.length",
                "A password has {least} to {most} characters, of any kind.",
                "Length is what makes guessing hard; rules about kinds of characters do not.",
                numbers={"least": passwords.SHORTEST, "most": passwords.LONGEST},
            ),
            Rule("password.breached", "A password must not be in the operator's list of stolen passwords."),
            Rule("password.guessable", "A password must be hard to guess, also for who knows its owner's name."),
            Rule(
                "password.breach-list",
                "The list of breached passwords has to be a sorted file of SHA-1 hashes.",
                "In a list that is not sorted, stolen passwords would not be found.",
            ),
            Rule(
                "signin.busy",
                "Only so many passwords are checked at once; the next is asked to wait a few seconds.",
                "Checking one takes much memory on purpose, so that guessing does too; the index stays up meanwhile.",
                ("Try again in a few seconds.",),
            ),
            Rule(
                "form.origin",
                "A form is taken from the pages of this index only.",
                "A page of another site must not act with your session.",
                ("Load the page again, and send the form from there.",),
            ),
        ),
    ),
    Group(
        "Ways back into an account",
        "When every second factor is lost.",
        "Recovery is the way in that a thief would choose; waiting and asking others make it a bad one.",
        (
            Rule("recovery.address", "Recovery begins with a mail to a verified address of the account."),
            Rule("recovery.link", "A link in a mail about recovery works once, and not for ever."),
            Rule("recovery.exists", "There has to be a recovery that is open."),
            Rule(
                "recovery.wait",
                "A recovery without a code waits {shortest} to {longest}, so that the owner can object.",
                "How long depends on what was proven: a password, or people who say that it is you.",
                ("Wait.", "Ask a co-owner of one of your projects to vouch for you."),
                {"shortest": recovery.WAITS[0], "longest": recovery.WAITS[-1]},
            ),
            Rule("recovery.cancelled", "A recovery ends when somebody who can sign in, or reads the mail, cancels it."),
            Rule(
                "recovery.expired",
                "A recovery is completed within {open} of its wait, or begun anew.",
                "The notices of a recovery must be fresh in mind when it takes effect.",
                ("Begin again.",),
                {"open": recovery.KEPT_OPEN},
            ),
            Rule(
                "recovery.vouch",
                "Vouching takes another person with a second factor, a co-owner for {together}, and not recovered "
                "themselves within {recovered}.",
                "Nobody is to be invited just for this, and one stolen account must not open the next.",
                numbers={"together": recovery.VOUCHER_ROLE_AGE, "recovered": recovery.VOUCHER_RECOVERY_AGE},
            ),
        ),
    ),
)

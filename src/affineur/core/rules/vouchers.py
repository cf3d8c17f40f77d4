"""Rules about voucher campaigns: who is given something, how often, and until when."""

from __future__ import annotations

from affineur.core.impact import vouchers

from .rule import Group, Rule

VOUCHERS = (
    Group(
        "Vouchers",
        "An operator may give away what has a code, such as security keys, to those whom it would help.",
        "What protects a project should not cost those who look after it.",
        (
            Rule(
                "voucher.person",
                "Vouchers are for people whose account is not frozen; automation accounts get none.",
                "A machine can hold no key, and a frozen account may be in the wrong hands.",
            ),
            Rule(
                "voucher.eligible",
                "Whoever fits what the campaign asks for may claim: a role on projects of certain classes, lacking a "
                "passkey or any second factor, the age of the account, when they last signed in.",
                "There are fewer codes than people, and they should reach those who need them.",
            ),
            Rule(
                "voucher.once",
                "Nobody gets two vouchers of one campaign.",
                "Each second one is somebody else's first.",
            ),
            Rule("voucher.left", "A campaign gives as long as codes are left that have not expired."),
            Rule(
                "voucher.region",
                "Whoever claims chooses among the regions that have codes left.",
                "Only they know where they can redeem one, and nobody else need know.",
            ),
            Rule("voucher.closed", "A campaign gives from the moment it opens until it closes."),
            Rule("campaign.exists", "The campaign has to be there.", "It cannot be looked at otherwise."),
            Rule(
                "campaign.name",
                "A campaign has a name of at most {most} lower-case letters, digits and hyphens, its own.",
                "The name stands in its address.",
                numbers={"most": vouchers.LONGEST_NAME},
            ),
            Rule(
                "campaign.text",
                "A campaign says what it gives: a title of at most {title} characters, a text of at most {text}, both "
                "plain.",
                "People read it before they claim.",
                numbers={"title": vouchers.LONGEST_TITLE, "text": vouchers.LONGEST_TEXT},
            ),
            Rule(
                "campaign.time",
                "A campaign ends in the future and lasts at most {longest}.",
                "What never ends is forgotten, with its codes.",
                numbers={"longest": vouchers.LONGEST_CAMPAIGN},
            ),
            Rule(
                "campaign.eligible",
                "Who may claim is said by classes, roles, what they are without, and days up to {most}.",
                "What is said in so few words can be read by those whom it concerns.",
                numbers={"most": vouchers.MOST_DAYS},
            ),
            Rule(
                "campaign.codes",
                "An import has at most {most} codes; a line that is no code is counted, never shown.",
                "Whoever reads a code can redeem it.",
                numbers={"most": vouchers.MOST_CODES},
            ),
        ),
    ),
)

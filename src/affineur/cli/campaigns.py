"""Commands about campaigns that give vouchers: make one, add codes, write to people, close it; here and elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson
from .place import Place, somewhere
from .remote.paths import path

if TYPE_CHECKING:
    from datetime import datetime

    from affineur.core.security import Caller
    from affineur.shell.index import Index
    from affineur.shell.store.campaigns import CampaignRow, Stock

campaign = typer.Typer(help="Give vouchers, such as for security keys, to those who need them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Name of the campaign.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for name, verb in (
        ("create", campaign_create),
        ("import", campaign_import),
        ("announce", campaign_announce),
        ("close", campaign_close),
        ("list", campaign_list),
        ("show", campaign_show),
    ):
        campaign.command(name)(somewhere(verb))
    app.add_typer(campaign, name="campaign")


def campaign_create(
    place: Place,
    name: Name,
    title: Annotated[str, typer.Option("--title", help="What it is called.", show_default=False)],
    text: Annotated[str, typer.Option("--text", help="What it gives, and how it is redeemed.", show_default=False)],
    closes: Annotated[str, typer.Option("--closes", metavar="DATE", help="Its last day (UTC).", show_default=False)],
    opens: Annotated[str | None, typer.Option("--opens", metavar="DATE", help="First day.", show_default="now")] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", metavar="CLASS", help="For projects of this class; may be repeated.")
    ] = None,
    roles: Annotated[
        list[str] | None, typer.Option("--role", metavar="ROLE", help="For this role on them; may be repeated.")
    ] = None,
    without: Annotated[
        str | None, typer.Option("--without", help="Lacking a `passkey`, or any `factor`.", show_default="anything")
    ] = None,
    account_days: Annotated[int, typer.Option("--account-days", help="Least age of the account in days.")] = 0,
    seen_days: Annotated[int, typer.Option("--seen-days", help="Signed in within so many days; 0: whenever.")] = 0,
) -> None:
    """Make a campaign. It gives nothing without codes, and nobody hears of it before `announce`."""
    from datetime import UTC, datetime, time, timedelta

    ends = datetime.combine(_day(closes) + timedelta(days=1), time.min, UTC)
    begins = None if opens is None else datetime.combine(_day(opens), time.min, UTC)
    eligible: dict[str, object] = {
        "classes": classes or [],
        "roles": roles or [],
        "without": without,
        "account_days": account_days,
        "seen_days": seen_days,
    }

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.campaigns import make_campaign
        from affineur.core.impact.vouchers import parse_eligible
        from affineur.shell.store.campaigns import Stock

        made = make_campaign(index, by, name, title, text, parse_eligible(eligible), begins or by.now, ends)
        return _facts(made, Stock("", 0, 0, 0), by.now)

    asked = {"name": name, "title": title, "text": text, "eligible": eligible, "closes_at": ends.isoformat()}
    if begins is not None:
        asked["opens_at"] = begins.isoformat()
    made = place.carry_out(here, lambda remote: remote.post("/campaigns", asked))
    typer.echo(f"The campaign {made['name']} is made. {made['whom']} Import codes next.")


def campaign_import(
    place: Place,
    name: Name,
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="Codes, one a line; `-` reads standard input.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Add codes to a campaign: lines of CODE, or of CODE,REGION,DATE with the last day to redeem it.

    Codes are counted and never shown again but to whoever claims one. Delete the file.
    """
    from .start import print_json

    text = _codes(source)

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.campaigns import import_codes

        made = import_codes(index, by, name, text)
        return {"added": made.added, "refused": dict(made.refused)}

    where = path("campaigns", name, "codes")
    made = place.carry_out(here, lambda remote: remote.post(where, {"codes": text}))
    if as_json:
        print_json(made)
        return
    left_out = ", ".join(f"{count:,} {fault}" for fault, count in made["refused"].items())
    typer.echo(f"{made['added']:,} codes added.{f' Left out: {left_out}.' if left_out else ''}")


def campaign_announce(place: Place, name: Name) -> None:
    """Write one letter to everybody for whom a campaign is; whoever got it gets no other."""

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from dataclasses import asdict

        from affineur.actions.campaigns import announce

        return asdict(announce(index, by, name))

    made = place.carry_out(here, lambda remote: remote.post(path("campaigns", name, "announcement")))
    typer.echo(
        f"Letters sent: {made['letters']:,}. Written to before: {made['before']:,}. "
        f"Not to be reached: {made['unreachable']:,}."
    )


def campaign_close(place: Place, name: Name) -> None:
    """Close a campaign for good; what was claimed stays with its claimers."""

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.campaigns import close_campaign

        return close_campaign(index, by, name)

    place.carry_out(here, lambda remote: remote.post(path("campaigns", name, "close")))
    typer.echo(f"The campaign {name} is closed.")


def campaign_list(place: Place, as_json: AsJson = False) -> None:
    """List the campaigns, newest first."""
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, by: Caller) -> list[dict[str, Any]]:
        from affineur.actions.campaigns import listed

        return [_facts(each, stock, by.now) for each, stock in listed(index, by)]

    found = place.carry_out(here, lambda remote: list(remote.every("/campaigns")))
    if as_json:
        print_json(found)
        return
    for each in found:
        typer.echo(printable(_line(each)))
    if not found:
        typer.echo("There is none.", err=True)


def campaign_show(place: Place, name: Name, as_json: AsJson = False) -> None:
    """Show a campaign: for whom it is, how many could claim, and its codes by region."""
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.campaigns import shown

        found, numbers = shown(index, by, name)
        regions = [_counts(each) for each in numbers.stock]
        return {**_facts(found, numbers.whole, by.now), "eligible_people": numbers.eligible, "regions": regions}

    found = place.carry_out(here, lambda remote: remote.get(path("campaigns", name)))
    if as_json:
        print_json(found)
        return
    typer.echo(printable(_line(found)))
    typer.echo(printable(f"{found['whom']} {found['eligible_people']:,} could claim."))
    for each in found["regions"]:
        counts = f"{each['left']:,} left, {each['claimed']:,} claimed, {each['expired']:,} expired"
        typer.echo(printable(f"  {each['region'] or 'everywhere'}: {counts}"))


def _line(found: dict[str, Any]) -> str:
    codes = found["codes"]
    return (
        f"{found['name']}  {found['phase']}, until {str(found['closes_at'])[:10]}: {codes['left']:,} codes left, "
        f"{codes['claimed']:,} claimed, {codes['expired']:,} expired ({found['title']})"
    )


def _facts(found: CampaignRow, stock: Stock, now: datetime) -> dict[str, Any]:
    """As the API tells it."""
    from affineur.core.impact.vouchers import described, phase, plain

    return {
        "name": found.name,
        "title": found.title,
        "text": found.text,
        "eligible": plain(found.eligible),
        "whom": described(found.eligible),
        "phase": phase(found.opens_at, found.closes_at, now),
        "opens_at": found.opens_at,
        "closes_at": found.closes_at,
        "codes": _counts(stock),
    }


def _counts(stock: Stock) -> dict[str, Any]:
    return {
        "region": stock.region,
        "all": stock.all,
        "claimed": stock.claimed,
        "expired": stock.expired,
        "left": stock.left,
    }


def _codes(source: str) -> str:
    import sys

    from .start import EXIT_USAGE, fail

    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{source} cannot be read: {type(error).__name__}.", EXIT_USAGE)


def _day(text: str) -> Any:
    from datetime import date

    from .start import EXIT_USAGE, fail

    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"'{text}' is no day. Write it as 2027-01-31.", EXIT_USAGE)

"""Commands about the company's sign-in: linking accounts for people who cannot sign in to them, and unlinking."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from .options import Account, Config, Data

company = typer.Typer(help="Link accounts to people at the company.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(company, name="company")


@company.command("link")
def company_link(
    account: Account,
    subject: Annotated[str, typer.Argument(help="What the company calls the person: `sub` of its ID tokens.")],
    data: Data = None,
    config: Config = None,
) -> None:
    """Link an account to a person at the company.

    For accounts whose holder cannot sign in to them any more; everybody else does it on the pages. All addresses of
    the account are told.
    """
    from affineur.actions.company_link import link_by_operator
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    link_by_operator(index, console(datetime.now(UTC)), account, subject)
    index.close()
    typer.echo(f"{account} is linked to {subject}.")


@company.command("unlink")
def company_unlink(account: Account, data: Data = None, config: Config = None) -> None:
    """Unlink an account from the company; what groups gave it is taken back."""
    from affineur.actions.company_link import unlink
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    done = unlink(index, console(datetime.now(UTC)), account)
    index.close()
    typer.echo(f"{account} is no longer linked." if done else f"{account} was not linked.")

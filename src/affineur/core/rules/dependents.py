"""Rules about questions on who depends on whom."""

from __future__ import annotations

from ..dependents.starts import MOST_STARTS
from .rule import Group, Rule

DEPENDENTS = (
    Group(
        "Dependents",
        "Who depends on a project, and through whom, can be asked by everybody who may read the index.",
        "A maintainer who knows who depends on a project can end, change or hand it over without breaking others.",
        (
            Rule(
                "dependents.starts",
                "A question about chains starts from at least one project, and from at most {most}.",
                "From nothing no chain leads anywhere, and one question must not keep the index from answering others.",
                ("Name projects, or give a requirements file.", "Ask about a part of them."),
                numbers={"most": MOST_STARTS},
            ),
        ),
    ),
)

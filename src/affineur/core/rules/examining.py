"""Rules about looking into files."""

from __future__ import annotations

from .rule import Group, Rule

EXAMINING = (
    Group(
        "Looking into files",
        "Moderators look into the files of a project, on offer or held, and compare releases. It changes nothing.",
        "Files of strangers are read with bounds, so that no file keeps those busy who decide about it.",
        (
            Rule(
                "examine.exists",
                "A look goes into a file, a release and a member that exist.",
                "A look at nothing would read as a look that found nothing.",
                ("Take names from the list of files, or from the listing of the file.",),
            ),
            Rule(
                "examine.size",
                "Of one file, so much is unpacked as is read in a few seconds.",
                "A file that unpacks without end must not keep the index from serving everybody else.",
            ),
            Rule(
                "examine.time",
                "Looking into a file, or comparing two, takes as long as somebody waits for a page, and then stops.",
                "What was seen until then is shown, and it is said that there is more.",
            ),
        ),
    ),
)

"""Rules about names, versions and publishing."""

from __future__ import annotations

from .rule import Group, Rule

PUBLISHING = (
    Group(
        "Names and versions",
        "Names are compared in normalised form: lowercase, and every run of '-', '_' and '.' as one '-'.",
        "",
        (
            Rule("name.format", "ASCII letters, digits, '.', '_' and '-'; the first and last is a letter or digit."),
            Rule("name.new", "A new project takes a name that nobody has."),
            Rule("name.standard-library", "A name of a module of Python's standard library would mislead people."),
            Rule("name.lookalike", "A new name must not be mistaken for another (l, i and 1; o and 0; separators)."),
            Rule("project.exists", "The project has to exist on this index."),
            Rule("version.format", "A version as PEP 440 defines it, such as 1.2, 1.2rc1 or 1.2.post1."),
        ),
    ),
    Group(
        "Publishing",
        "What is published never changes. Publishing the very same file again is no error.",
        "",
        (
            Rule("upload.state", "An archived or quarantined project accepts no new files."),
            Rule("upload.duplicate", "A file name stands for one content for ever, and a content has one file name."),
            Rule("upload.burnt", "The name of a file that was deleted is never given to other content."),
            Rule("upload.digest", "The digests that come with a file have to be its own."),
            Rule("upload.file-size", "Each file keeps below the limit of its project, or of the index."),
            Rule("upload.project-size", "All files of a project together keep below a limit."),
            Rule("upload.size", "Both limits on size."),
            Rule(
                "upload.window", "Some days after its first file a release is closed, so that it stays what was tested."
            ),
            Rule("upload.sdist", "A release has at most one source distribution."),
            Rule("upload.filename", "The file has to come with its name."),
        ),
    ),
)

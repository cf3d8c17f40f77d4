"""Rules about names, versions and publishing."""

from __future__ import annotations

from .rule import Group, Rule

PUBLISHING = (
    Group(
        "Names and versions",
        "Names are compared in normalised form: lowercase, and every run of '-', '_' and '.' as one '-'.",
        "People type names from memory and machines compare them byte by byte; both have to end at the same project.",
        (
            Rule(
                "name.format",
                "ASCII letters, digits, '.', '_' and '-'; the first and last is a letter or digit.",
                "Installers, file names and addresses know only these, and look-alikes from other scripts stay out.",
            ),
            Rule(
                "name.new",
                "A new project takes a name that nobody has.",
                "Whoever installs by name must go on getting the same project.",
                ("Choose another name.", "If the project is yours, ask one of its owners for a role."),
            ),
            Rule(
                "name.standard-library",
                "A name of a module of Python's standard library would mislead people.",
                "People who miss a module type its name into an installer; what they get should be no bait.",
                ("Choose another name.",),
                switch="reserve_standard_library_names",
            ),
            Rule(
                "name.lookalike",
                "A new name must not be mistaken for another (l, i and 1; o and 0; separators).",
                "Names that read alike are how people are made to install something else. Names that exist are left "
                "alone.",
                ("Choose a name that cannot be mistaken for it.",),
                switch="reserve_lookalike_names",
            ),
            Rule(
                "project.exists",
                "The project has to exist on this index.",
                "What is done to nothing is usually a typing error, and should say so.",
            ),
            Rule(
                "version.format",
                "A version as PEP 440 defines it, such as 1.2, 1.2rc1 or 1.2.post1.",
                "Installers order versions by that standard; what it does not know, they cannot choose.",
                settings=("allow_local_versions",),
            ),
        ),
    ),
    Group(
        "Publishing",
        "What is published never changes. Publishing the very same file again is no error.",
        "Lock files, mirrors and people who audited a file count on its never changing.",
        (
            Rule(
                "upload.state",
                "What is archived or on hold accepts no new files: neither the project, nor a release of it.",
                "Archiving promises that nothing more comes; while something is on hold, nothing of it changes.",
                ("An owner can unarchive the project.", "Of a hold, answer the moderators' mail."),
            ),
            Rule(
                "upload.duplicate",
                "A file name stands for one content for ever, and a content has one file name.",
                ways=("Publish a new version, or a wheel with a build number.",),
            ),
            Rule(
                "upload.burnt",
                "The name of a file that was deleted is never given to other content.",
                "Somebody may still have the old file, or its digest: they must never meet another under its name.",
                ("Publish a new version.",),
            ),
            Rule(
                "upload.digest",
                "The digests that come with a file have to be its own.",
                "A digest that differs means that the file was damaged, or changed, on its way here.",
                ("Publish it again.",),
            ),
            Rule(
                "upload.file-size",
                "Each file keeps below the limit of its project, or else of the index: {maximum_file_bytes}.",
                "Storage and transfer are paid by whoever runs the index. Projects with good reasons get more.",
                ("Make the file smaller.", "Ask an operator for a higher limit."),
            ),
            Rule(
                "upload.project-size",
                "All files of a project together keep below its limit, or else {maximum_project_bytes}.",
                "Storage is paid by whoever runs the index. Projects with good reasons get more.",
                ("Ask an operator for a higher limit.",),
            ),
            Rule(
                "upload.size",
                "Both limits on size.",
                "Storage and transfer are paid by whoever runs the index.",
            ),
            Rule(
                "upload.window",
                "A release is closed to further files {release_window_days} after its first, so that it stays what was "
                "tested.",
                "A stolen token could otherwise slip a file into a release that everybody has long pinned and trusts.",
                ("Publish a new version.",),
                switch="release_window_days",
            ),
            Rule(
                "upload.sdist",
                "A release has at most one source distribution.",
                "Two sources of one version would leave open which of them the release was built from.",
                ("Publish a new version.",),
            ),
            Rule("upload.filename", "The file has to come with its name.", "Installers find files by their names."),
        ),
    ),
)

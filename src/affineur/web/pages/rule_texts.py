"""What each rule asks for, in words: the contents of ``/help/rules``.

A message names its rule (``upload.window``); here is what the rule wants and why. A test holds the ids against
those in the source. What does not live here: the rules themselves (`core`), and the sentences they answer with.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Rules about one thing; ``rules`` are pairs of id and text."""

    title: str
    about: str
    rules: tuple[tuple[str, str], ...]


_METADATA_FIELDS = (
    *("metadata-version", "name", "version", "summary", "description", "description-content-type", "keywords"),
    *("home-page", "download-url", "author", "author-email", "maintainer", "maintainer-email"),
    *("license", "license-expression", "license-file", "classifier", "platform", "supported-platform"),
    *("requires-python", "requires-dist", "requires-external", "provides-extra", "provides-dist", "obsoletes-dist"),
    *("requires", "provides", "obsoletes", "project-url", "dynamic", "import-name", "import-namespace"),
)

GROUPS = (
    Group(
        "Who may",
        "Publishing needs a token; a private index asks for one to read as well.",
        (
            ("identity.token", "A token of this index: user name __token__, the token as the password."),
            ("identity.password", "Passwords of accounts are never taken. Use a token."),
            ("access.read", "Reading is open to anyone, or, on a private index, to every token."),
            ("access.scope", "A token made for reading cannot publish."),
            ("access.token", "A token may be narrowed to certain projects, and then acts on no other."),
            ("access.create", "Where the operator wants it so, only operators publish the first file of a project."),
            ("access.role", "Publishing and yanking take the role owner or maintainer; changing a status, owner."),
            ("access.operator", "Operators may act on every project."),
            ("grant.operator", "Roles are given by owners and operators."),
            ("account.name", "The name of an account: letters, digits, '.', '_' and '-'."),
            ("account.exists", "An account of that name has to exist, or must not exist yet."),
            ("token.exists", "The token has to be one of this index, and not revoked."),
            ("token.expiry", "A token's end has to lie in the future."),
            ("token.operator", "Only operators make tokens for other accounts."),
        ),
    ),
    Group(
        "Names and versions",
        "Names are compared in normalised form: lowercase, and every run of '-', '_' and '.' as one '-'.",
        (
            ("name.format", "ASCII letters, digits, '.', '_' and '-'; the first and last is a letter or digit."),
            ("name.new", "A new project takes a name that nobody has."),
            ("name.standard-library", "A name of a module of Python's standard library would mislead people."),
            ("name.lookalike", "A new name must not be mistaken for another (l, i and 1; o and 0; separators)."),
            ("project.exists", "The project has to exist on this index."),
            ("version.format", "A version as PEP 440 defines it, such as 1.2, 1.2rc1 or 1.2.post1."),
        ),
    ),
    Group(
        "Publishing",
        "What is published never changes. Publishing the very same file again is no error.",
        (
            ("upload.state", "An archived or quarantined project accepts no new files."),
            ("upload.duplicate", "A file name stands for one content for ever, and a content has one file name."),
            ("upload.burnt", "The name of a file that was deleted is never given to other content."),
            ("upload.digest", "The digests that come with a file have to be its own."),
            ("upload.file-size", "Each file keeps below the limit of its project, or of the index."),
            ("upload.project-size", "All files of a project together keep below a limit."),
            ("upload.size", "Both limits on size."),
            ("upload.window", "Some days after its first file a release is closed, so that it stays what was tested."),
            ("upload.sdist", "A release has at most one source distribution."),
            ("upload.filename", "The file has to come with its name."),
            ("yank.selection", "A yank names a release of the project, or files of it, that exist."),
            ("lifecycle.operator", "Only operators put a project into quarantine, and lift it."),
            ("lifecycle.archive", "Archived: closed for uploads, still installable."),
            ("lifecycle.unarchive", "No longer archived: uploads are accepted again."),
            ("lifecycle.deprecate", "Deprecated: its maintainers advise against it."),
            ("lifecycle.undeprecate", "The advice is taken back."),
            ("lifecycle.quarantine", "Quarantined: nothing is on offer until a review is complete."),
            ("lifecycle.clear", "The quarantine is over; everything is again as it was before."),
        ),
    ),
    Group(
        "The upload form",
        "What twine, uv and others send to /legacy/. A current version of your tool gets all of this right.",
        (
            ("form.action", ":action is file_upload."),
            ("form.action-gone", "Old actions such as submit do nothing any more: the file says it all."),
            ("form.protocol-version", "protocol_version is 1."),
            ("form.syntax", "The body is well-formed multipart/form-data."),
            ("form.header", "Each part of the form has a well-formed header."),
            ("form.encoding", "Text is UTF-8."),
            ("form.fields", "There are not too many fields."),
            ("form.files", "There is one file."),
            ("form.file", "The file comes in the field content."),
            ("form.size", "Fields other than the file are not too long."),
            ("form.incomplete", "The body is complete: it was cut off on the way."),
            ("form.repeated", "A field that has one value is given once."),
            ("form.required", "Name, version and kind of the file are given."),
            ("form.content-type", "The file's part has a content type that is no image."),
            ("form.digest", "At least one digest is given, in lowercase hexadecimal."),
            ("form.filetype", "filetype is sdist or bdist_wheel, and agrees with the file."),
            ("form.pyversion", "pyversion agrees with the file: source for an sdist, the Python tag for a wheel."),
            ("form.name", "The name agrees with the file."),
            ("form.version", "The version agrees with the file."),
        ),
    ),
    Group(
        "File names",
        "Wheels and source distributions have one spelling each, so that a name tells what is inside.",
        (
            ("filename.kind", "A wheel (.whl) or a source distribution (.tar.gz)."),
            ("filename.characters", "No control characters, and no '/' or '\\'."),
            ("filename.length", "Short enough for every file system."),
            ("filename.format", "name-version-python-abi-platform.whl, or name-version.tar.gz."),
            ("filename.name", "The project's name in normalised form, with '_' for '-'."),
            ("filename.version", "The version in normalised form."),
            ("filename.platform", "A platform tag that installers know; plain linux_x86_64 means nothing elsewhere."),
        ),
    ),
    Group(
        "Archives",
        "An archive has to mean the same to every tool that opens it. Most breaches come from hand-made archives: "
        "build again with a current build backend.",
        (
            ("archive.members", "Not too many members."),
            ("archive.size", "Not too large when unpacked."),
            ("archive.bomb", "No member that unpacks to many times its size."),
            ("archive.path", "Paths stay inside: relative, no '..', printable."),
            ("archive.link", "Links point to members of the same archive."),
            ("archive.polyglot", "Not two kinds of archive in one."),
            *((f"archive.zip.{rule}", text) for rule, text in (
                ("truncated", "The ZIP file is complete."),
                ("directory", "It has one central directory, where its end record says."),
                ("directory-entry", "A directory has no contents."),
                ("zip64", "Its ZIP64 records agree with the others."),
                ("disks", "It is not split."),
                ("surrounded", "Nothing stands before or after it."),
                ("method", "Members are stored or deflated."),
                ("encrypted", "Nothing is encrypted."),
                ("extra", "Extra fields neither repeat nor give a second name."),
                ("duplicate", "No member occurs twice."),
                ("overlap", "Members do not overlap."),
                ("name", "Names are printable."),
                ("local-header", "Local headers agree with the directory."),
                ("contents", "Every member unpacks to what its checksum says."),
            )),
            *((f"archive.tar.{rule}", text) for rule, text in (
                ("truncated", "The tar archive is complete."),
                ("header", "Its headers are well formed."),
                ("sparse", "No member is sparse."),
                ("type", "Members are files, directories and links."),
                ("end", "The tar archive has its end mark."),
                ("gzip", "The compression is sound."),
                ("gzip-members", "It is one gzip stream, or a few."),
            )),
        ),
    ),
    Group(
        "Contents",
        "Name, version and kind agree between form, file name and archive; the archive's own word counts.",
        (
            ("distribution.name", "The metadata names the project that the file name names."),
            ("distribution.version", "The metadata has the version that the file name has."),
            ("wheel.dist-info", "One .dist-info folder, named for project and version."),
            ("wheel.metadata", "METADATA is there."),
            ("wheel.wheel-file", "WHEEL is there and readable."),
            ("wheel.tags", "The tags in WHEEL are those of the file name."),
            ("wheel.record", "RECORD lists every file with its digest, and every digest is right."),
            ("wheel.entry-points", "entry_points.txt is readable."),
            ("sdist.top-directory", "One top directory, name-version."),
            ("sdist.pkg-info", "PKG-INFO is there."),
            ("sdist.duplicate", "No path occurs twice."),
            ("description.render", "A description in reStructuredText renders without errors."),
            ("description.size", "A description is no book."),
        ),
    ),
    Group(
        "Metadata",
        "The fields of METADATA and PKG-INFO, as PyPA's core metadata specifications define them. "
        "A rule metadata.<field> is about the value of that field.",
        (
            ("metadata.size", "The metadata is not too long."),
            ("metadata.encoding", "It is UTF-8."),
            ("metadata.format", "Every line of its header is a field."),
            ("metadata.repeated", "A field with one value is given once."),
            ("metadata.unknown-field", "Its fields are ones that the specification knows."),
            ("metadata.too-new-field", "A field is not newer than the metadata version that is declared."),
            *((f"metadata.{field}", "") for field in _METADATA_FIELDS),
        ),
    ),
    Group(
        "Import and export",
        "What is taken over from elsewhere is checked like an upload, and has to be what the other side says it is.",
        (
            ("upstream.gone", "The address, and every file it lists, has to be there."),
            ("upstream.away", "The other side has to answer; what failed is tried again by the next run."),
            ("upstream.status", "It has to answer with success."),
            ("upstream.redirects", "It may redirect a few times, not for ever."),
            ("upstream.downgrade", "What begins with https stays with https."),
            ("upstream.scheme", "Addresses begin with https:// or http://."),
            ("upstream.page-size", "A page of an index has a reasonable size."),
            ("upstream.content-type", "It answers in a form of the simple API."),
            ("upstream.syntax", "Its pages are what the simple API defines."),
            ("upstream.version", "It speaks version 1 of the simple API."),
            ("upstream.minor-version", "A newer minor version may say more than is understood here."),
            ("upstream.name", "A project's page, and its files, are named after the project."),
            ("upstream.project", "The project has to be one of its."),
            ("upstream.size", "A file has the size that is stated."),
            ("upstream.digest", "A file has the digest that is stated."),
            ("upstream.folder", "The folder has to exist."),
            ("devpi.stage", "One devpi index has to be named: one with files of its own, no mirror."),
            ("devpi.export", "The folder has to be what devpi-export wrote, of a version that is known."),
            ("export.folder", "An export goes to a folder of its own, one export at a time."),
        ),
    ),
)  # fmt: skip

"""Rules about the upload form and the names of files."""

from __future__ import annotations

from affineur.core.distributions.filenames import MAXIMUM_LENGTH

from .rule import Group, Rule

FORMS = (
    Group(
        "The upload form",
        "What twine, uv and others send to /legacy/. A current version of your tool gets all of this right.",
        "A form that can be read in two ways would be read differently here and by whoever checks it later.",
        (
            Rule("form.action", ":action is file_upload."),
            Rule(
                "form.action-gone",
                "Old actions such as submit do nothing any more: the file says it all.",
                "Metadata sent apart from the file could contradict it.",
            ),
            Rule("form.protocol-version", "protocol_version is 1."),
            Rule("form.syntax", "The body is well-formed multipart/form-data."),
            Rule("form.header", "Each part of the form has a well-formed header."),
            Rule("form.encoding", "Text is UTF-8."),
            Rule("form.fields", "There are not too many fields.", "Reading a form must not exhaust the server."),
            Rule("form.files", "There is one file.", "One upload is one act: it is done whole or not at all."),
            Rule("form.file", "The file comes in the field content."),
            Rule(
                "form.size",
                "Fields other than the file are not too long.",
                "Reading a form must not exhaust the server.",
            ),
            Rule(
                "form.incomplete",
                "The body is complete: it was cut off on the way.",
                "Half a file is no file.",
                ("Publish it again.",),
            ),
            Rule("form.repeated", "A field that has one value is given once."),
            Rule("form.required", "Name, version and kind of the file are given."),
            Rule("form.content-type", "The file's part has a content type that is no image."),
            Rule(
                "form.digest",
                "At least one digest is given, in lowercase hexadecimal.",
                "Only with a digest can it be told that what arrived is what was sent.",
            ),
            Rule("form.filetype", "filetype is sdist or bdist_wheel, and agrees with the file."),
            Rule("form.pyversion", "pyversion agrees with the file: source for an sdist, the Python tag for a wheel."),
            Rule("form.name", "The name agrees with the file."),
            Rule("form.version", "The version agrees with the file."),
        ),
    ),
    Group(
        "File names",
        "Wheels and source distributions have one spelling each, so that a name tells what is inside.",
        "Installers choose a file by its name alone, before they read a byte of it.",
        (
            Rule(
                "filename.kind",
                "A wheel (.whl) or a source distribution (.tar.gz).",
                "Other kinds are no longer installed by current tools, and ran code of anybody's when they were.",
            ),
            Rule(
                "filename.characters",
                "No control characters, and no '/' or '\\'.",
                "A file name must not lead anywhere else, nor do anything to a terminal.",
            ),
            Rule(
                "filename.length",
                "At most {most} characters: short enough for every file system.",
                "A file that cannot be stored cannot be installed.",
                numbers={"most": MAXIMUM_LENGTH},
            ),
            Rule("filename.format", "name-version-python-abi-platform.whl, or name-version.tar.gz."),
            Rule("filename.name", "The project's name in normalised form, with '_' for '-'."),
            Rule("filename.version", "The version in normalised form."),
            Rule(
                "filename.platform",
                "A platform tag that installers know; plain linux_x86_64 means nothing elsewhere.",
                "A wheel for one machine's libraries breaks on others.",
                ("Build with a tool that repairs wheels, such as auditwheel or cibuildwheel.",),
            ),
        ),
    ),
)

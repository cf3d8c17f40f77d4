"""Rules about archives, what is in them, and metadata."""

from __future__ import annotations

from affineur.core.metadata_fields import FIELD_NAMES

from .rule import Group, Rule

ARCHIVES = (
    Group(
        "Archives",
        "An archive has to mean the same to every tool that opens it. Most breaches come from hand-made archives: "
        "build again with a current build backend.",
        "",
        (
            Rule("archive.members", "Not too many members."),
            Rule("archive.size", "Not too large when unpacked."),
            Rule("archive.bomb", "No member that unpacks to many times its size."),
            Rule("archive.path", "Paths stay inside: relative, no '..', printable."),
            Rule("archive.link", "Links point to members of the same archive."),
            Rule("archive.polyglot", "Not two kinds of archive in one."),
            Rule("archive.zip.truncated", "The ZIP file is complete."),
            Rule("archive.zip.directory", "It has one central directory, where its end record says."),
            Rule("archive.zip.directory-entry", "A directory has no contents."),
            Rule("archive.zip.zip64", "Its ZIP64 records agree with the others."),
            Rule("archive.zip.disks", "It is not split."),
            Rule("archive.zip.surrounded", "Nothing stands before or after it."),
            Rule("archive.zip.method", "Members are stored or deflated."),
            Rule("archive.zip.encrypted", "Nothing is encrypted."),
            Rule("archive.zip.extra", "Extra fields neither repeat nor give a second name."),
            Rule("archive.zip.duplicate", "No member occurs twice."),
            Rule("archive.zip.overlap", "Members do not overlap."),
            Rule("archive.zip.name", "Names are printable."),
            Rule("archive.zip.local-header", "Local headers agree with the directory."),
            Rule("archive.zip.contents", "Every member unpacks to what its checksum says."),
            Rule("archive.tar.truncated", "The tar archive is complete."),
            Rule("archive.tar.header", "Its headers are well formed."),
            Rule("archive.tar.sparse", "No member is sparse."),
            Rule("archive.tar.type", "Members are files, directories and links."),
            Rule("archive.tar.end", "The tar archive has its end mark."),
            Rule("archive.tar.gzip", "The compression is sound."),
            Rule("archive.tar.gzip-members", "It is one gzip stream, or a few."),
        ),
    ),
    Group(
        "Contents",
        "Name, version and kind agree between form, file name and archive; the archive's own word counts.",
        "",
        (
            Rule("distribution.name", "The metadata names the project that the file name names."),
            Rule("distribution.version", "The metadata has the version that the file name has."),
            Rule("wheel.dist-info", "One .dist-info folder, named for project and version."),
            Rule("wheel.metadata", "METADATA is there."),
            Rule("wheel.wheel-file", "WHEEL is there and readable."),
            Rule("wheel.tags", "The tags in WHEEL are those of the file name."),
            Rule("wheel.record", "RECORD lists every file with its digest, and every digest is right."),
            Rule("wheel.entry-points", "entry_points.txt is readable."),
            Rule("sdist.top-directory", "One top directory, name-version."),
            Rule("sdist.pkg-info", "PKG-INFO is there."),
            Rule("sdist.duplicate", "No path occurs twice."),
            Rule("description.render", "A description in reStructuredText renders without errors."),
            Rule("description.size", "A description is no book."),
        ),
    ),
    Group(
        "Metadata",
        "The fields of METADATA and PKG-INFO, as PyPA's core metadata specifications define them.",
        "",
        (
            Rule("metadata.size", "The metadata is not too long."),
            Rule("metadata.encoding", "It is UTF-8."),
            Rule("metadata.format", "Every line of its header is a field."),
            Rule("metadata.repeated", "A field with one value is given once."),
            Rule("metadata.unknown-field", "Its fields are ones that the specification knows."),
            Rule("metadata.too-new-field", "A field is not newer than the metadata version that is declared."),
        ),
    ),
    Group(
        "Fields of metadata",
        "A rule `metadata.<field>` is about the value of that field.",
        "Installers, search and pages read these fields; a value that only some of them can read misleads the others.",
        tuple(
            Rule(f"metadata.{field}", f"The value of the field {field} is as the core metadata specification has it.")
            for field in FIELD_NAMES
        ),
        brief=True,
    ),
)

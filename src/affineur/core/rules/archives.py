"""Rules about archives, what is in them, and metadata."""

from __future__ import annotations

from affineur.core.distributions import description
from affineur.core.distributions.acceptance import UPLOADED
from affineur.core.distributions.metadata_fields import FIELD_NAMES

from .rule import Group, Rule

ARCHIVES = (
    Group(
        "Archives",
        "An archive has to mean the same to every tool that opens it. Most breaches come from hand-made archives: "
        "build again with a current build backend.",
        "What one tool reads and another overlooks is where malicious code hides from review.",
        (
            Rule(
                "archive.members",
                "At most {most} members.",
                "Each member takes memory here and in every tool that opens the archive.",
                ("Split the project, or pack its data files into one.",),
                numbers={"most": UPLOADED.maximum_members},
            ),
            Rule(
                "archive.size",
                "Not too large when unpacked.",
                "Whoever installs it needs the room, and reading it must come to an end.",
            ),
            Rule(
                "archive.bomb",
                "Above {large_bytes} unpacked, at most {ratio} times its packed size; never more than {most_bytes}.",
                "A small file that unpacks to a huge one fills the disks of those who only wanted to look.",
                ("Leave out large files that hold nothing but repetition.",),
                numbers={
                    "large_bytes": UPLOADED.ratio_counts_above_bytes,
                    "ratio": UPLOADED.maximum_ratio,
                    "most_bytes": UPLOADED.maximum_unpacked_bytes,
                },
            ),
            Rule(
                "archive.path",
                "Paths stay inside: relative, no '..', printable.",
                "An archive must not write where nobody asked it to.",
            ),
            Rule(
                "archive.link",
                "Links point to members of the same archive.",
                "A link that leads out can read or overwrite files of whoever unpacks it.",
            ),
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
        "Three places say what a file is; where they differ, one of them deceives whoever reads only that.",
        (
            Rule("distribution.name", "The metadata names the project that the file name names."),
            Rule("distribution.version", "The metadata has the version that the file name has."),
            Rule("wheel.dist-info", "One .dist-info folder, named for project and version."),
            Rule("wheel.metadata", "METADATA is there."),
            Rule("wheel.wheel-file", "WHEEL is there and readable."),
            Rule("wheel.tags", "The tags in WHEEL are those of the file name."),
            Rule(
                "wheel.record",
                "RECORD lists every file with its digest, and every digest is right.",
                "RECORD is what an installation is later checked against.",
                settings=("record",),
            ),
            Rule("wheel.entry-points", "entry_points.txt is readable."),
            Rule("sdist.top-directory", "One top directory, name-version."),
            Rule("sdist.pkg-info", "PKG-INFO is there."),
            Rule("sdist.duplicate", "No path occurs twice."),
            Rule(
                "description.render",
                "A description in reStructuredText renders without errors.",
                "Readers should not meet a page of raw markup.",
            ),
            Rule(
                "description.size",
                "A description has at most {most_bytes}.",
                "It is rendered on every visit of its page.",
                numbers={"most_bytes": description.MAXIMUM_BYTES},
            ),
        ),
    ),
    Group(
        "Metadata",
        "The fields of METADATA and PKG-INFO, as PyPA's core metadata specifications define them.",
        "Installers decide by metadata what fits; what they read differently, they install differently.",
        (
            Rule(
                "metadata.size",
                "The metadata has at most {most_bytes}.",
                "Every installer that considers the file reads it whole.",
                numbers={"most_bytes": UPLOADED.maximum_metadata_bytes},
            ),
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

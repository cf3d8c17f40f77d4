"""Platform tags: which of them a wheel on an index may carry.

A tag says where a wheel runs. Only tags whose meaning is defined for every machine of their kind are
portable; ``linux_x86_64`` says "as on the machine where it was built" and is not among them.

Sources: PyPA "Platform compatibility tags"; PEP 513, 571, 599, 600 (manylinux), 656 (musllinux),
730 (iOS), 738 (Android), 783 (Emscripten).
"""

from __future__ import annotations

import re
from functools import lru_cache

_PLAIN = frozenset(
    {
        "any",
        "win32",
        "win_amd64",
        "win_arm64",
        "win_ia64",
        *(f"manylinux{profile}_{arch}" for profile in ("1", "2010") for arch in ("x86_64", "i686")),
        *(f"manylinux2014_{arch}" for arch in ("x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x")),
        # Below the reach of manylinux when they were made; the tags stand for Raspberry Pi OS.
        "linux_armv6l",
        "linux_armv7l",
    }
)

_MUSLLINUX = "x86_64|i686|aarch64|armv7l|ppc64le|s390x|riscv64"
_MANYLINUX = _MUSLLINUX + "|ppc64"
_APPLE = "ppc|ppc64|i386|x86_64|arm64|intel|fat|fat3|fat64|universal|universal2"

# From macOS 11 on installers look for minor version 0 only, so another one could never be installed.
# Apple's numbers leap from 15 to 26.
_FAMILIES = re.compile(
    rf"manylinux_\d+_\d+_({_MANYLINUX})"
    rf"|musllinux_\d+_\d+_({_MUSLLINUX})"
    rf"|macosx_10_\d+_({_APPLE})"
    rf"|macosx_(11|12|13|14|15|26)_0_({_APPLE})"
    r"|ios_\d+_\d+_(arm64|x86_64)_(iphoneos|iphonesimulator)"
    r"|android_\d+_(armeabi_v7a|arm64_v8a|x86|x86_64)"
    r"|pyemscripten_\d+_\d+_wasm32",
    re.ASCII,
)


@lru_cache(maxsize=1024)
def is_portable(platform_tag: str) -> bool:
    """Whether ``platform_tag`` (one tag, not a set joined by dots) may stand in a published wheel's name."""
    return platform_tag in _PLAIN or _FAMILIES.fullmatch(platform_tag) is not None

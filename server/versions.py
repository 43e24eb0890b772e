"""Triton's versions: which options one knows, and which published vulnerabilities it has.

Nothing else here asks what version a tritonserver is. docs/versions.md has the sources, and what
else differs from one version to the next.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from server.locate import Installation

ALLOW_CLIENT_SHM = "--allow-client-shm"
"""Known since 2.68 (26.04), which lets no client use shared memory without it; before, all may."""


@dataclass(frozen=True)
class Fix:
    """What a release mended, of what NVIDIA's bulletins say that all releases before it have."""

    version: tuple[int, int, int]
    release: str
    """Of the container."""
    vulnerabilities: tuple[str, ...]


# github.com/NVIDIA/product-security, bulletins 5687, 5691, 5723, 5734, 5790, 5816, 5828, 5848,
# 5853, 5860, 5865 and 5875, the last of 8 September 2026. The numbers of the versions are those of
# TRITON_VERSION in Triton's release branches.
FIXES = (
    Fix(
        (2, 58, 0),
        "25.05",
        (
            *("CVE-2025-23323", "CVE-2025-23324", "CVE-2025-23325", "CVE-2025-23326"),
            *("CVE-2025-23327", "CVE-2025-23335"),
        ),
    ),
    Fix((2, 59, 0), "25.06", ("CVE-2025-23322", "CVE-2025-23331")),
    Fix(
        (2, 59, 1),
        "25.07",
        (
            *("CVE-2025-23268", "CVE-2025-23310", "CVE-2025-23311", "CVE-2025-23317"),
            *("CVE-2025-23318", "CVE-2025-23319", "CVE-2025-23320", "CVE-2025-23321"),
            *("CVE-2025-23333", "CVE-2025-23334"),
        ),
    ),
    Fix(
        (2, 60, 0),
        "25.08",
        ("CVE-2025-23316", "CVE-2025-23328", "CVE-2025-23329", "CVE-2025-23336"),
    ),
    Fix((2, 61, 0), "25.09", ("CVE-2025-33202",)),
    Fix((2, 62, 0), "25.10", ("CVE-2025-33201", "CVE-2025-33211")),
    Fix((2, 65, 0), "26.01", ("CVE-2025-33238", "CVE-2025-33254", "CVE-2026-24158")),
    Fix(
        (2, 66, 0),
        "26.02",
        (
            *("CVE-2026-24146", "CVE-2026-24147", "CVE-2026-24173", "CVE-2026-24174"),
            "CVE-2026-24175",
        ),
    ),
    Fix(
        (2, 67, 0),
        "26.03",
        (
            *("CVE-2026-24206", "CVE-2026-24207", "CVE-2026-24208", "CVE-2026-24209"),
            *("CVE-2026-24210", "CVE-2026-24213", "CVE-2026-24214", "CVE-2026-24215"),
            "CVE-2026-47487",
        ),
    ),
    Fix((2, 68, 0), "26.04", ("CVE-2026-24264", "CVE-2026-24266", "CVE-2026-47625")),
    Fix(
        (2, 69, 0),
        "26.05",
        (
            *("CVE-2026-47476", "CVE-2026-47477", "CVE-2026-47478", "CVE-2026-47479"),
            *("CVE-2026-47480", "CVE-2026-47481", "CVE-2026-47482"),
        ),
    ),
    Fix(
        (2, 70, 0),
        "26.06",
        (
            *("CVE-2026-47606", "CVE-2026-47627", "CVE-2026-47628", "CVE-2026-47629"),
            "CVE-2026-47630",
        ),
    ),
    Fix((2, 71, 0), "26.07", ("CVE-2026-16497",)),
)


def client_shared_memory_options(installation: Installation) -> list[str]:
    """Returns the options that let clients use shared memory, as this tritonserver knows them.

    It is asked itself: builds of one's own may have any version. Asking takes 10 ms.
    """
    # It prints its options, and then ends with code 1.
    printed = subprocess.run(
        [installation.binary, "--help"],
        env=dict(installation.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    ).stdout
    known = re.search(rf"^\s*{ALLOW_CLIENT_SHM}\b", printed, re.MULTILINE)
    return [f"{ALLOW_CLIENT_SHM}=true"] if known else []


def missing_fixes(version: str) -> list[Fix]:
    """Returns those that a Triton lacks, the oldest first; none for what is no version of Triton.

    Args:
        version: as Triton's server metadata says it: 2.51.0, or 2.73.0dev.
    """
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if match is None:
        return []
    numbers = tuple(int(number or 0) for number in match.groups())
    return [fix for fix in FIXES if numbers < fix.version]


def known_faults(version: str) -> str | None:
    """Says in a phrase what is published against a Triton; None if nothing is."""
    missing = missing_fixes(version)
    if not missing:
        return None
    count = sum(len(fix.vulnerabilities) for fix in missing)
    number = "1 published vulnerability" if count == 1 else f"{count} published vulnerabilities"
    fixed = "{}.{}.{}".format(*missing[-1].version)
    return f"has {number} that {fixed} ({missing[-1].release}) has not: docs/versions.md"

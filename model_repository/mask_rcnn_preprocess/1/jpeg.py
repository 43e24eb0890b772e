"""The scans of a JPEG: passes that its decoder makes over the whole picture."""

from __future__ import annotations

import re

MAX_SCANS = 100
"""More are refused: libtiff's limit for the JPEG in a TIFF. Encoders write about 10. A scan may be
a hundred bytes that decode to nothing, and still costs 14 ms in a picture of 89 megapixels: a file
of 10 MB could keep a decoder busy for 20 minutes."""

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# 0xFF is followed by 0x00 in data; 0xFF01 and 0xFFD0 to 0xFFD7 are markers without a segment.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")


def has_too_many_scans(data: bytes) -> bool:
    """Whether a JPEG file has more than `MAX_SCANS` (ITU-T T.81, B.1.1, lays out its markers).

    Only those of the picture itself count, not those of a thumbnail in its metadata or of what
    follows its end.
    """
    if data.count(b"\xff\xda") <= MAX_SCANS:
        return False
    scans, position = 0, 2
    while scans <= MAX_SCANS and (marker := _MARKER.search(data, position)):
        kind, start = marker[1][0], marker.end()
        if kind == _END_OF_IMAGE:
            break
        scans += kind == _START_OF_SCAN
        position = start + int.from_bytes(data[start : start + 2], "big")
    return scans > MAX_SCANS

"""Picture files put together by hand, where no encoder would write what is asked for."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

from PIL import Image


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The picture as Pillow encodes it."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Length, kind, content and checksum of one chunk."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(
    width: int,
    height: int,
    pixels: bytes,
    *,
    bits: int = 8,
    color_type: int = 2,
    chunks: Sequence[bytes] = (),
) -> bytes:
    """A PNG of the filtered rows `pixels`, which need not be as many as the header declares."""
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", zlib.compress(pixels, 9))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + png_chunk(b"IEND", b"")


def with_png_chunks(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with more chunks after its header."""
    end_of_header = 8 + 25
    return data[:end_of_header] + b"".join(chunks) + data[end_of_header:]


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """Marker, length and content of one segment."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_jpeg_segments(data: bytes, *segments: bytes) -> bytes:
    """A JPEG with more segments right after its first marker."""
    return data[:2] + b"".join(segments) + data[2:]


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """A progressive grey JPEG of a small file and of many passes over all pixels.

    Its first scan sets each block to grey; in each of the others, runs of 32767 blocks that stay
    as they are, in 15 bits each, leave nothing to decode (ITU-T T.81, G.1.2.2).
    """
    blocks = ((side + 7) // 8) ** 2
    bits = "011111111111111" * (blocks // 32767 + 1)
    bits += "1" * (-len(bits) % 8)
    runs = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    first = jpeg_segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes((blocks + 7) // 8)
    further = jpeg_segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + runs
    one_code = bytes([1] + [0] * 15)
    return b"".join(
        [
            b"\xff\xd8",
            jpeg_segment(0xDB, bytes([0] + [1] * 64)),
            jpeg_segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + bytes([1, 0x11, 0])),
            jpeg_segment(0xC4, b"\x00" + one_code + b"\x00"),
            jpeg_segment(0xC4, b"\x10" + one_code + b"\xe0"),
            first,
            *[further] * (scans - 1),
            b"\xff\xd9",
        ]
    )


def tiff(tags: dict[int, tuple[int, int, int]], data: bytes = b"", next_ifd: int = 0) -> bytes:
    """A little-endian TIFF of one directory.

    Args:
        tags: for each tag its type, its count, and its value or the offset of its values.
        data: what follows the directory, at 8 + 2 + 12 * len(tags) + 4.
        next_ifd: the offset that the directory names as that of the next one.
    """
    entries = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(tags.items()))
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", next_ifd)
    return struct.pack("<2sHI", b"II", 42, 8) + directory + data


def grey_tiff_tags(width: int, height: int, bytes_of_data: int) -> dict[int, tuple[int, int, int]]:
    """The tags of an uncompressed grey picture in one strip, right behind its directory."""
    short, long = 3, 4
    count = 9
    return {
        256: (long, 1, width),
        257: (long, 1, height),
        258: (short, 1, 8),
        259: (short, 1, 1),
        262: (short, 1, 1),
        273: (long, 1, 8 + 2 + 12 * count + 4),
        277: (short, 1, 1),
        278: (long, 1, height),
        279: (long, 1, bytes_of_data),
    }


def bmp(width: int, height: int, pixels: bytes, *, bits: int = 24, compression: int = 0) -> bytes:
    """A BMP with a header of version 3, and a grey palette for 8 bits or less."""
    palette = b"".join(bytes([i, i, i, 0]) for i in range(2**bits)) if bits <= 8 else b""
    offset = 14 + 40 + len(palette)
    header = struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset)
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 2835, 2835, 0, 0
    )
    return header + info + palette + pixels


def gif(width: int, height: int, frame: bytes = b"\x02\x02\x4c\x01\x00") -> bytes:
    """A GIF89a of two colours whose one frame, of LZW data `frame`, has the size of its screen."""
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + struct.pack("<BHHHHB", 0x2C, 0, 0, width, height, 0) + frame + b";"


def webp_lossless(width: int, height: int) -> bytes:
    """The header of a lossless WebP, sides up to 16384, and next to no data."""
    size = (width - 1) | (height - 1) << 14
    chunk = b"\x2f" + struct.pack("<I", size) + bytes(7)
    chunk = b"VP8L" + struct.pack("<I", len(chunk)) + chunk
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk

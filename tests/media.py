"""Small files of the kinds that components take, made of bytes: no library and no file on disk is needed."""

from __future__ import annotations

import io
import struct
import wave
import zlib


def png(width: int, height: int, color: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(color) * width for _ in range(height))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def wav(frames: int) -> bytes:
    """A sound of that many frames, at 8000 a second."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(b"\0\x10" * frames)
    return file.getvalue()


VTT = b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nhello\n"
"""Subtitles."""

VIDEO = b"a video, as far as its name tells"
"""Gradio passes on what ffprobe cannot read, and what it cannot ask about where there is no ffprobe."""

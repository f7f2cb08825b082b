"""Media that are played while they are made: what a function gives piece by piece, and how it is fetched.

Gradio 4 has one long response, which hands out each piece once. Gradio 5 and later have a playlist (HLS), which
names the pieces so far, and beside it everything in one piece. (A real server recodes what it is given. Here a
piece is what the function gave.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .answers import Answer, HTTPError, Later, Methods, OpenMedia, Reply, Request
from .components import Component
from .files import META, File
from .generations import Generation

_SUFFIXES: Final[Mapping[str, str]] = {"audio": "aac", "video": "ts"}
"""What the pieces of a component are called on a playlist."""

_TYPES: Final[Mapping[str, str]] = {"audio": "audio/aac", "video": "video/MP2T"}

_NAMES: Final[Mapping[str, str]] = {"audio": "audio-stream.mp3", "video": "video-stream.mp4"}

_WHOLE_TYPES: Final[Mapping[str, str]] = {"audio": "audio/mpeg", "video": "video/mp4"}


@dataclass(eq=False)
class Media:
    """What one run has given for one component."""

    kind: str
    """The component's type: ``"audio"`` or ``"video"``."""
    pieces: list[bytes] = field(default_factory=list[bytes])
    ended: bool = False
    """There will be no more."""
    handed_out: int = 0
    """How many of them the long response has given away."""
    is_over: bool = False
    """It has given its end away too."""


class MediaStore:
    """The media of one server.

    Args:
        generation: Which server.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._media: dict[str, Media] = {}

    def add(self, path: str, component: Component, value: Any, root: str) -> tuple[Media, dict[str, Any]]:
        """Take a piece.

        Args:
            path: ``"<session>/<run>/<component>"``.
            component: What it is for.
            value: The piece, as bytes or a :class:`~gradio_proto.testing.File`.
            root: The address that the client used.

        Returns:
            What it belongs to, and the FileData for that, which stays the same.

        Raises:
            TypeError: It is nothing of that kind.
        """
        piece = value.data if isinstance(value, File) else value
        if not isinstance(piece, bytes):
            raise TypeError(f"a piece of {component.type} is bytes or a File, not {type(piece).__name__}")
        media = self._media.setdefault(path, Media(component.type))
        media.pieces.append(piece)
        shown = f"{path}/playlist.m3u8" if self._generation.has_playlists else path
        data = {
            "path": shown,
            "url": f"{root}{self._generation.prefix}/stream/{shown}",
            "size": None,
            "orig_name": _NAMES[component.type] if self._generation.has_playlists else None,
            "mime_type": None,
            "is_stream": True,
            "meta": {**META},
        }
        return media, self._generation.trim("stream", data)

    def forget(self, session_hash: str) -> None:
        """A session is over. Where there are playlists, they go with it."""
        if self._generation.has_playlists:
            start = f"{session_hash}/"
            self._media = {path: media for path, media in self._media.items() if not path.startswith(start)}

    def find(self, path: str) -> Media | None:
        """The media at a path."""
        return self._media.get(path)


class MediaRoutes:
    """The routes of media.

    Args:
        store: The media of a server.
        generation: Which server.
    """

    def __init__(self, store: MediaStore, generation: Generation) -> None:
        self._store = store
        handler = self._get_part if generation.has_playlists else self._get_stream
        self.start = f"{generation.prefix}/stream/"
        """How the paths begin."""
        self.starting: Mapping[str, Methods] = {self.start: {"GET": handler}}
        """Who answers paths that begin so."""
        self.is_open = generation.has_playlists
        """Whether nobody has to log in for it."""

    def _get_stream(self, request: Request, later: Later, now: float) -> Answer:
        media = self._store.find(request.path.removeprefix(self.start))
        if media is None:
            raise HTTPError(404, "Stream not found.")
        return OpenMedia(media)

    def _get_part(self, request: Request, later: Later, now: float) -> Answer:
        path, _, name = request.path.removeprefix(self.start).rpartition("/")
        media = self._store.find(path)
        if media is None:
            return Reply(404, b"", None)
        if name == "playlist.m3u8":
            return Reply(200, _playlist(media).encode(), "application/vnd.apple.mpegurl")
        if name == "playlist-file":
            return Reply(200, b"".join(media.pieces), _WHOLE_TYPES[media.kind])
        names = _names(media)
        if name not in names:
            return Reply(404, b"Segment not found", None)
        return Reply(200, media.pieces[names.index(name)], _TYPES[media.kind])


def _names(media: Media) -> list[str]:
    return [f"{number}.{_SUFFIXES[media.kind]}" for number in range(len(media.pieces))]


def _playlist(media: Media) -> str:
    lines = [
        "#EXTM3U",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-VERSION:4",
        "#EXT-X-MEDIA-SEQUENCE:0",
    ]
    for name in _names(media):
        lines += ["#EXTINF:1.000000,", name]
    if media.ended:
        lines.append("#EXT-X-ENDLIST")
    return "".join(f"{line}\n" for line in lines)

"""Writes spec/vectors: ``python tests/make_vectors.py``. What is in it is told by ``vector_topics``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from vector_topics import config, diffs, direct, errors, files, messages, requests, sessions, sse
from vector_topics.jobs import from_recordings
from vector_topics.vector import PROTOCOL_OF, file_text

FOLDER: Final = Path(__file__).parents[1] / "spec" / "vectors"

TOPICS: Final[tuple[Any, ...]] = (sse, messages, diffs, sessions, direct, requests, files, config, errors)


def made() -> dict[str, str]:
    """Each file by its name."""
    pages: dict[str, str] = {}
    for topic in TOPICS:
        shared = topic.shared() if hasattr(topic, "shared") else None
        pages[f"{topic.TOPIC}.json"] = file_text(topic.TOPIC, topic.DESCRIPTION, topic.vectors(), shared)
    for version in PROTOCOL_OF:
        text = file_text(sessions.TOPIC, sessions.DESCRIPTION, from_recordings([version]))
        pages[f"jobs-{version}.json"] = text
    return pages


def main() -> None:
    """Write the files, run them, and write down what they cover."""
    for name, text in made().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    from vector_counts import README, page
    from vector_runner import failures

    for name in made():
        for failure in failures(name.removesuffix(".json")):
            print(failure)
    README.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

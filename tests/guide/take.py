"""Take the examples anew out of the official client's documentation, after it has changed.

    python tests/guide/take.py GIT_DIRECTORY [COMMIT]

GIT_DIRECTORY is a clone of gradio-app/gradio. Only code is taken, word for word, with where it stands; the prose
stays there. Each page says at its top how many examples it has, so that none is lost unseen, and each example has
an entry in examples.py, which says what must come out: a new one is missed by the tests.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PAGES: Final = Path(__file__).parent / "pages"
"""Text files, since a formatter of Markdown would change what is to stay as it is."""

_GUIDES: Final = "guides/09_gradio-clients-and-lite"
_SITE: Final = "js/_website/src/lib/templates"

ABOUT_THE_CLIENT: Final = {
    "getting-started": f"{_GUIDES}/01_getting-started-with-the-python-client.md",
    "fastapi": f"{_GUIDES}/07_fastapi-app-with-the-gradio-client.md",
    "readme": "client/python/README.md",
    "introduction": f"{_SITE}/python-client/gradio_client/01_introduction.svx",
    "version-1": f"{_SITE}/python-client/gradio_client/02_version-1-release.svx",
    "zero-gpu": f"{_SITE}/python-client/gradio_client/03_using-zero-gpu-spaces.svx",
    "client-class": f"{_SITE}/python-client/gradio_client/client.svx",
}
"""Pages all of whose Python is taken, and what ``view_api`` prints."""

USE_THE_CLIENT: Final = {
    "view-api-page": "guides/04_additional-features/14_view-api-page.md",
    "workflows": "guides/04_additional-features/18_workflows.md",
    "discord-bot": "guides/05_chatbots/06_creating-a-discord-bot-from-a-gradio-app.md",
    "slack-bot": "guides/05_chatbots/07_creating-a-slack-bot-from-a-gradio-app.md",
    "server-mode": f"{_GUIDES}/08_server-mode.md",
    "mcp-server": "guides/10_mcp/01_building-mcp-server-with-gradio.md",
    "mcp-client": "guides/10_mcp/03_building-an-mcp-client-with-gradio.md",
    "gradio-6-migration": "guides/11_other-tutorials/gradio-6-migration-guide.md",
    "filedata": f"{_SITE}/gradio/04_helpers/06_filedata.svx",
    "api": f"{_SITE}/gradio/04_helpers/api.svx",
}
"""Pages about something else, of which only those blocks are taken that use the client."""

DOCSTRINGS: Final = {"docstrings": "client/python/gradio_client/client.py"}

HEADER: Final = """\
<!--
Code from {path}
of the repository gradio-app/gradio at commit {commit},
licensed under the Apache License 2.0. Taken by take.py, word for word.
Examples: {count}
-->
"""


def fenced(page: str) -> Iterator[tuple[str, str]]:
    """The language and the text of each fenced block."""
    for match in re.finditer(r"^```(\w*)\n(.*?)^```\s*$", page, re.MULTILINE | re.DOTALL):
        yield match[1], match[2]


def is_about_the_client(language: str, code: str) -> bool:
    return language in ("python", "py") or "Usage Info" in code


def uses_the_client(language: str, code: str) -> bool:
    return language in ("python", "py") and bool(re.search(r"gradio_client\b", code))


def documented(source: str) -> Iterator[tuple[str, str]]:
    """The examples of docstrings, each with the name of what it documents."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found = re.search(
                r"^( *)Example:\n((?:\1 +.*\n|\n)+)", (ast.get_docstring(node) or "") + "\n", re.M
            )
            if found:
                yield node.name, textwrap.dedent(found[2]).strip("\n") + "\n"


def main(git_directory: str, commit: str = "HEAD") -> None:
    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "--git-dir", git_directory, *arguments], check=True, capture_output=True, encoding="utf-8"
        )
        return done.stdout

    commit = git("rev-parse", commit).strip()
    for name, path in {**ABOUT_THE_CLIENT, **USE_THE_CLIENT, **DOCSTRINGS}.items():
        text = git("show", f"{commit}:{path}")
        if name in DOCSTRINGS:
            blocks = [(f"python {owner}", code) for owner, code in documented(text)]
        else:
            wanted = is_about_the_client if name in ABOUT_THE_CLIENT else uses_the_client
            blocks = [block for block in fenced(text) if wanted(*block)]
        page = HEADER.format(path=path, commit=commit, count=len(blocks))
        page += "".join(f"\n```{fence}\n{code}```\n" for fence, code in blocks)
        (PAGES / f"{name}.txt").write_text(page, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

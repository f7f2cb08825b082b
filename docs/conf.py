"""How Sphinx builds the documentation: ``make docs``, which treats every warning as an error and needs no network.

The source directory is the checkout and not ``docs``, since the pages link to the specification and to the README,
as they do on GitHub. A link to a file that is no page (a program, a test) becomes a download.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import gradio_transports
from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import gradio_proto

ROOT = Path(__file__).parent.parent

project = "gradio_proto"
author = "The gradio_proto developers"
project_copyright = author
version = release = gradio_proto.__version__

# What is read. Everything else of the checkout is left out by name, so that Sphinx does not walk through .venv.
root_doc = "docs/index"
PAGES = ("docs", "spec", "README.md")
exclude_patterns = [path.name for path in ROOT.iterdir() if path.name not in PAGES]
source_suffix = {".md": "markdown"}

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Markdown. Anchors are those that GitHub gives to headings.
myst_heading_anchors = 4

# The reference. A class says what it is in its docstring, and what it is made with in the same.
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# References to what is not on this site. The standard library's names are not looked up: that would take the network.
STANDARD_LIBRARY = sorted(name for name in sys.stdlib_module_names if not name.startswith("_"))
OTHERS = "h11|wsproto|hypothesis|jsonschema_rs|pytest|click|rich|trio|httpcore"
INTERNAL = "|".join(
    (
        *(r"sentinels\.Sentinel", r"http\.RequestCache", r"files\._Write"),
        *(r"testing\.files\.Digest", r"testing\.components\.Kind", r"conformance\.clients\.steps\.Script"),
    )
)
TYPE_VARIABLES = "[A-Z]|_[A-Z]"
nitpick_ignore_regex = [
    ("py:.*", rf"({'|'.join(STANDARD_LIBRARY)}|{OTHERS})(\..*)?"),
    ("py:class", "Path|count"),  # of the standard library, called so where an annotation cannot be evaluated
    ("py:.*", rf"([\w.]+\.)?({TYPE_VARIABLES})"),
    ("py:class", rf"gradio_proto\.({INTERNAL})"),
]

html_theme = "furo"
html_title = f"gradio_proto {release}"
html_extra_path = ["site"]
html_copy_source = False
html_show_sourcelink = False

NOT_IMPORTED = (
    "gradio_proto.__main__",
    "gradio_proto.conformance.reference",  # runs where Gradio is
    "gradio_proto.conformance.clients.runners",  # programs
)
"""Modules that are not imported to build the reference, which has nothing of them."""

HIDDEN_COLON = "\ue000"
"""A character for private use, which no docstring has."""


def load_types(_app: Sphinx) -> None:
    """``builder-inited``: import what modules import for type checkers only, so that each annotation can be evaluated.

    All modules are loaded by then, so it does not matter that they import each other.
    """
    modules = [
        import_module(found.name)
        for package in (gradio_proto, gradio_transports)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.startswith(NOT_IMPORTED)
    ]
    for module in modules:
        for statement in ast.parse(inspect.getsource(module)).body:
            if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
                exec(compile(ast.Module(statement.body, []), str(module.__file__), "exec"), vars(module))


def know_builtins(_app: Sphinx, page: nodes.document) -> None:
    """``doctree-read``: ``type`` is the built-in one, and not some class's attribute of that name."""
    for reference in page.findall(pending_xref):
        if hasattr(builtins, reference["reftarget"]):
            reference.attributes.pop("refspecific", None)


def hide_constructors(
    _app: Sphinx, what: str, _name: str, value: Any, _options: Any, signature: str | None, returns: Any
) -> tuple[str, Any] | None:
    """``autodoc-process-signature``: leave out what a class is made of whose docstring says what it is made by."""
    if what == "class" and "Made by " in " ".join((value.__doc__ or "").split()):
        return "", None
    # A dataclass shows its factories as what is no Python, and Sphinx then cannot read the rest.
    return (
        (signature.replace("<factory>", "..."), returns) if signature and "<factory>" in signature else None
    )


def hide_colons(_app: Sphinx, what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """``autodoc-process-docstring``, before Napoleon: "The generation: ``sse_v3``." is a sentence.

    Napoleon takes what stands before the first colon of an attribute's docstring for its type. Ours are annotated.
    """
    if what in ("attribute", "property", "data") and lines:
        lines[0] = lines[0].replace(":", HIDDEN_COLON)


def show_colons(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """``autodoc-process-docstring``, after Napoleon: undo that."""
    lines[:] = [line.replace(HIDDEN_COLON, ":") for line in lines]


def find_by_last_name(
    app: Sphinx, environment: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """``missing-reference``: find what a docstring calls by less than its full name.

    Docstrings name things as programs do: ``AppError``, ``Client.submit``, ``gradio_proto.Client``. It is found
    where only one thing is called that, or where the package itself offers one of them. Anything else stays a warning.
    """
    if node.get("refdomain") != "py":
        return None
    domain = environment.domains.python_domain
    said = node["reftarget"].removeprefix("gradio_proto.")
    found = {
        (entry.node_id, entry.docname): name
        for name, entry in domain.objects.items()
        if name.endswith(f".{said}")
    }
    # The names of the package itself win: "Job" is what submit() returns.
    own = [name for name in found.values() if name == f"gradio_proto.{said}"]
    names = own or list(found.values())
    if len(names) != 1:
        return None
    entry = domain.objects[names[0]]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, [content], names[0])


def setup(app: Sphinx) -> None:
    """What Sphinx calls once."""
    # GitHub draws Mermaid's figures with a script of three megabytes. Here the two that there are, each with its table
    # below it, are shown as their text: from elsewhere no script may come.
    app.add_lexer("mermaid", TextLexer)
    app.connect("builder-inited", load_types)
    app.connect("doctree-read", know_builtins)
    app.connect("autodoc-process-signature", hide_constructors)
    app.connect("autodoc-process-docstring", hide_colons, priority=400)  # Napoleon has 500
    app.connect("autodoc-process-docstring", show_colons, priority=600)
    app.connect("missing-reference", find_by_last_name)

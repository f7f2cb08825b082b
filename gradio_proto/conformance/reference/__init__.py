"""The reference app: one app with every kind of endpoint, to judge a server by whose own app is not known.

``app.py`` and ``kinds.py`` are that app for real Gradio, and run in a Python of its own, which has Gradio and need not
have this package; ``forked.py`` runs beside them there. They are never imported here. :class:`ReferenceServer` starts
them, and :func:`reference_twin` is the same app for the embedded server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .launching import LaunchError, ReferenceServer, RunningApp
    from .twin import reference_twin, twin_variants
    from .variants import TITLE, VARIANTS, Options, variants_of

__all__ = [
    "TITLE",
    "VARIANTS",
    "LaunchError",
    "Options",
    "ReferenceServer",
    "RunningApp",
    "reference_twin",
    "twin_variants",
    "variants_of",
]

_HOMES = {
    "launching": ("LaunchError", "ReferenceServer", "RunningApp"),
    "twin": ("reference_twin", "twin_variants"),
    "variants": ("TITLE", "VARIANTS", "Options", "variants_of"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Nobody pays for processes who wants the twin (PEP 562).
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""How to make a client like another one, in another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the constructor of a client was given."""

    options: dict[str, Any] = field(repr=False)
    """Secrets apart."""
    secrets: dict[str, Any] = field(repr=False)
    """Those that were given: credentials, and what may hold some."""
    has_lost_secrets: bool = False
    """The other client has more secrets."""

    @property
    def shares_credentials(self) -> bool:
        """Whether its owner lets its secrets travel."""
        return bool(self.options["share_credentials"])

    def to_travel(self) -> Recipe:
        """What may leave the process: without secrets, unless they are shared.

        Raises:
            TypeError: The client has something that cannot be pickled.
        """
        transport = self.options["transport"]
        if transport is not None and not isinstance(transport, str):
            raise TypeError("a client whose transport is no name cannot be pickled")
        if "ssl_context" in self.secrets:
            raise TypeError(
                "a client with an ssl_context cannot be pickled, and without it would trust others: make it where "
                "it is used"
            )
        secrets = self.secrets if self.shares_credentials else {}
        return Recipe(self.options, secrets, self.has_lost_secrets or secrets.keys() != self.secrets.keys())

"""Equality, hash and repr of the frozen dataclasses that come in dozens.

``@dataclass`` writes and compiles these methods anew for each class, which is most of what importing a module
of messages costs. Inherited (with ``eq=False, repr=False``), they cost nothing.
"""

from __future__ import annotations


class Frozen:
    """The base of a frozen dataclass with ``slots=True`` that inherits from nothing else: its slots are its fields."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frozen) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        fields = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__slots__])
        return f"{type(self).__name__}({fields})"

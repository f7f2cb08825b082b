"""Every operation, on every server, over every transport: see :mod:`matrix.operation` and ``docs/matrix.md``."""

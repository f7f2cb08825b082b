"""How fast the client is, against plain sockets (the floor) and against the official client.

``make bench`` measures everything; ``python -m benchmarks --help`` says how to measure less. What is measured
is in :mod:`benchmarks.scenarios`; which of it has to hold, in the table of :mod:`benchmarks.bars`.
"""

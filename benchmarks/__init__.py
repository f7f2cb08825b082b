"""How fast the clients are, against plain sockets (the floor) and against the official clients.

``make bench`` measures everything; ``python -m benchmarks --help`` says how to measure less. What is measured
is in :mod:`benchmarks.scenarios`, and in :mod:`benchmarks.async_scenarios` for the clients whose calls are awaited;
which of it has to hold, in the table of :mod:`benchmarks.bars`.
"""

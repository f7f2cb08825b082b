"""A soak: a client that lives through a hundred thousand calls, and must not grow.

``python -m soak`` (with ``PYTHONPATH=tests``) has each client, blocking, on trio and on asyncio, make 100,000 calls in
a process of its own: one after the other and many at once, generators, files, failures, cancelled jobs, forgotten
jobs, a thousand more clients opened and closed, and a server that closes its streams and is restarted. The server is
another process, so what is measured is the client. After each round, when all is at rest, the process is looked at
(:mod:`soak.looks`): memory, objects, threads, descriptors, files left in the directory for temporary ones. A figure
that grows more than :mod:`soak.growth` tolerates is a failure.
"""

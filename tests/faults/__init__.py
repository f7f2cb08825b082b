"""The fault laboratory: what a server, a network, a disk or a program can do to a client, fault by fault.

Each fault is a :class:`~faults.model.Fault`, a data entry: what happens, in which phase of a call, and what must come
out. :mod:`faults.lab` runs one against the blocking client, trio's or asyncio's; ``python -m faults`` runs them all and
prints a table, ``tests/test_faults.py`` has each as a test of its own.

What is watched in every one of them, and so is not said by any: it ends in time; nothing is printed, and nothing
complains (ResourceWarning, an exception in a thread or in a finalizer); no thread and no descriptor stays; no secret of
the user's is told by an error or heard by another origin. That the next call works is seen by what the user does
(:mod:`faults.uses`).

A new fault goes into the module of its group, into that module's ``FAULTS``. Most are a server that is well but for one
answer (:func:`faults.servers.faulty` with an answer of :mod:`faults.answers`), and a user who makes one call.
"""

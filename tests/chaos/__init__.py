"""A bad network in front of a real Gradio server, and clients that have to live with it.

:mod:`chaos.proxy` stands between a client and a server and does to their bytes what :mod:`chaos.fates` draws from a
seed. :mod:`chaos.app` is the server's app, which counts how often each call has run. :mod:`chaos.cells` makes calls,
and holds what came of each against what the proxy and the app know of it. ``python -m chaos`` prints a table.
"""

"""Commands for :func:`gradio_proto.conformance.clients.run_client`: our own clients, and the official one.

Each is a program of its own, to be copied and changed. They need nothing of this package but the client.
"""

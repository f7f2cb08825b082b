"""The commands that call apps, and the one that serves one.

At their top these modules import click alone; the client, rich and the rest are loaded by the functions that need them,
so that help and completion stay quick.
"""

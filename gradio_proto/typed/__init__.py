"""What an app's values are in Python, and in JSON Schema: signatures, generated modules, tools for language models.

Everything here is made of what ``/config`` and ``/info`` say, and nothing asks a server anything. :mod:`.types` reads
the schemas of ``/info``, whatever their version and their oddities, into a handful of types; the other modules write
those as annotations, as source code and as JSON Schema. What a server says comes out as text or not at all: it is
never run.
"""

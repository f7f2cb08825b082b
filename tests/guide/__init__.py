"""The examples of the official Python client's documentation, and the local stand-ins of the Spaces that they call."""

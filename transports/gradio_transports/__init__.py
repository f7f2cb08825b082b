"""Transports: bytes in and out, for gradio_proto."""

"""A tester for servers that claim to speak the Gradio protocol, and for clients that do."""

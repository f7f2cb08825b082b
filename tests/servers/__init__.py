"""Real Gradio servers for the tests: how they are installed, the app they run, and how they are started."""

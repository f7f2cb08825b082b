"""Real Gradio servers for the tests: how they are installed, and how they are started. What they run is the conformance
tester's reference app."""

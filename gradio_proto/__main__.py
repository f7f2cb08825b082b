"""``python -m gradio_proto`` is the command ``gradio-proto``."""

from __future__ import annotations

import sys

from gradio_proto.cli import main

if __name__ == "__main__":
    sys.exit(main())

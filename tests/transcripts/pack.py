"""Pack recorded exchanges of real servers: ``python pack.py FOLDER``.

FOLDER holds a folder for each Gradio version, and that one ``<operation>.jsonl`` for each operation (its lines
are described in ``recorded.py``) beside the whole bodies that were saved as ``_<name>.json``. Each version
becomes ``<version>.zip`` beside this file. The same input gives the same bytes.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

VERSIONS = ("3.36.1", "3.50.2", "4.0.2", "4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0")


def pack(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".json", ".jsonl"):
                continue
            entry = zipfile.ZipInfo(path.name)  # dated 1980, with no owner and no mode
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    for version in VERSIONS:
        pack(Path(sys.argv[1]) / version, Path(__file__).with_name(f"{version}.zip"))

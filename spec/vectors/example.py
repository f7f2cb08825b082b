"""An event-stream decoder and a generator's diffs, run against sse.json and diffs.json: ``python example.py``."""

import base64
import json
from pathlib import Path


def decode(data):
    """The events of a whole stream."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events, collected, kind, last_id, retry = [], [], "", "", None
    for line in text.split("\n")[:-1]:  # what follows the last line's end is no line
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if collected:
                text = "\n".join(collected)
                events.append({"data": text, "event": kind or "message", "id": last_id, "retry": retry})
            collected, kind = [], ""
        elif name == "data":
            collected.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return events


def child(holder, key):
    """What is there; a LookupError if nothing is. true is no index, and no index is negative."""
    if (type(holder) is list and type(key) is int and key >= 0) or (
        type(holder) is dict and type(key) is str
    ):
        return holder[key]
    raise LookupError(key)


def applied(value, edits):
    """The value after one diff; a TypeError, ValueError or LookupError if the diff does not fit."""
    root = [json.loads(json.dumps(value))]  # all or nothing: work on a copy
    for action, path, new in edits:
        holder, key = root, 0
        for step in path if type(path) is list else None:
            holder, key = child(holder, key), step
        if action == "delete" and path and type(holder) is list and type(key) is int:
            holder.pop()  # its last element, whichever index the server names
        elif (
            action == "add" and path and type(holder) is list and type(key) is int and 0 <= key <= len(holder)
        ):
            holder.insert(key, new)
        elif action == "add" and path and type(holder) is dict and type(key) is str:
            holder[key] = new
        else:
            old = child(holder, key)
            if action == "replace":
                holder[key] = new
            elif action == "append" and type(old) is str:
                holder[key] = old + new
            elif action == "delete" and path:
                del holder[key]
            else:
                raise ValueError(action)
    return root[0]


def outputs(value, diffs):
    """Each value that diffs make of a generator's first, and whether one did not fit and nothing has mended it."""
    is_broken = False
    for edits in diffs:
        try:
            if not is_broken or (edits[:1] and edits[0][:2] == ["replace", []]):
                value, is_broken = applied(value, edits), False
        except (TypeError, ValueError, LookupError):
            is_broken = True
        yield value, is_broken


def main():
    folder = Path(__file__).parent
    for vector in json.loads((folder / "sse.json").read_text("utf-8"))["vectors"]:
        pieces = vector["input"]["pieces"]
        data = b"".join(p.encode() if type(p) is str else base64.b64decode(p["base64"]) for p in pieces)
        assert decode(data) == vector["expect"]["events"], vector["id"]
    for vector in json.loads((folder / "diffs.json").read_text("utf-8"))["vectors"]:
        seen = outputs(vector["input"]["value"], vector["input"]["diffs"])
        found = [{"value": value, "broken": is_broken} for value, is_broken in seen]
        assert found == vector["expect"]["outputs"], vector["id"]
    print("all vectors pass")


if __name__ == "__main__":
    main()

"""Files on a real disk: what is read, where downloads lie, and that nothing half-done stays."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from gradio_transports.localfiles import ENVIRONMENT, Downloads, ReadableFile, WritableFile, file_size

from gradio_proto.errors import ArgumentError, FileError
from gradio_proto.files import FileInput

HASH = "ab" * 32


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def everything_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


# What is read.


def test_the_size_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"four")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert file_size(str(tmp_path / "x")) == 4
    assert file_size(str(tmp_path / "link")) == 4


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("gone", "No such file"),
        ("", "no regular file"),
        ("pipe", "no regular file"),
        ("a\0b", "embedded null"),
    ],
)
def test_what_is_no_file(tmp_path: Path, name: str, match: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArgumentError, match=match):
        file_size(f"{tmp_path}/{name}")


def test_a_file_on_disk_is_read_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    before = open_descriptors()
    file = ReadableFile(FileInput(str(tmp_path / "x"), "path", "x"))
    assert not file.may_block
    assert [file.read(2) for _ in range(4)] == [b"12", b"34", b"5", b""]
    file.close()
    file.close()
    assert open_descriptors() == before


def test_bytes_are_read_in_pieces() -> None:
    file = ReadableFile(FileInput(b"12345", "bytes", "x"))
    assert not file.may_block
    assert [file.read(2) for _ in range(4)] == [b"12", b"34", b"5", b""]
    file.close()


def test_a_stream_is_its_owners_to_close() -> None:
    stream = io.BytesIO(b"12345")
    stream.seek(1)
    file = ReadableFile(FileInput(stream, "stream", "x"))
    assert file.may_block
    assert [file.read(3) for _ in range(3)] == [b"234", b"5", b""]
    file.close()
    assert not stream.closed


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    with pytest.raises(FileError, match="cannot be opened: No such file") as caught:
        ReadableFile(FileInput(path, "path", "x"))
    assert caught.value.path == path


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "x")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr("builtins.open", refuse)  # the superuser, as whom tests may run, is refused nothing
    with pytest.raises(FileError, match="cannot be opened: Permission denied"):
        ReadableFile(FileInput(path, "path", "x"))


def test_a_directory_in_the_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Is a directory"):
        ReadableFile(FileInput(str(tmp_path), "path", "x")).read(1)


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_something_else_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path, what: str) -> None:
    path = "/dev/zero" if what == "device" else str(tmp_path / "x")
    if what == "pipe":
        os.mkfifo(path)
    before = open_descriptors()
    with within(5), pytest.raises(FileError, match="no regular file any more") as caught:
        ReadableFile(FileInput(path, "path", "x"))
    assert caught.value.path == path
    assert open_descriptors() == before


class Odd(io.RawIOBase):
    """A stream whose ``read`` does whatever it is told."""

    def __init__(self, told: Any) -> None:
        self.told = told

    def read(self, size: int = -1, /) -> Any:
        if isinstance(self.told, BaseException):
            raise self.told
        return self.told


@pytest.mark.parametrize(
    "error", [OSError("no"), ValueError("no"), SystemExit("no"), KeyboardInterrupt("no")]
)
def test_whatever_a_stream_raises(error: BaseException) -> None:
    # The thread that reads it is nobody's: an exit there would be the end of nothing.
    with pytest.raises(FileError, match="x cannot be read: no") as caught:
        ReadableFile(FileInput(Odd(error), "stream", "x")).read(1)  # type: ignore[arg-type]
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(("told", "kind"), [("text", "str"), (None, "NoneType"), (5, "int")])
def test_a_stream_that_is_not_binary(told: Any, kind: str) -> None:
    with pytest.raises(FileError, match=f"no binary stream: reading it gives {kind}"):
        ReadableFile(FileInput(Odd(told), "stream", "x")).read(1)  # type: ignore[arg-type]


def test_ctrl_c_while_a_file_of_ours_is_read_is_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"x")
    file = ReadableFile(FileInput(str(tmp_path / "x"), "path", "x"))
    owned = file._owned
    assert owned is not None
    monkeypatch.setattr(file, "_stream", Odd(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        file.read(1)
    file.close()
    assert owned.closed


# What is written.


def keep(directory: str | Path | None, data: bytes = b"data", folder: str = HASH, name: str = "x.txt") -> str:
    file = Downloads().create(None if directory is None else str(directory))
    try:
        file.write(data)
        return file.keep(folder, name)
    finally:
        file.close()


def test_where_a_download_lies_and_who_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = keep(tmp_path / "new" / "downloads")
    finally:
        os.umask(before)
    assert path == str(tmp_path / "new" / "downloads" / HASH / "x.txt")
    assert Path(path).read_bytes() == b"data"
    assert mode(path) == 0o600
    assert mode(tmp_path / "new" / "downloads" / HASH) == 0o700
    assert mode(tmp_path / "new" / "downloads") == 0o700
    assert everything_in(tmp_path / "new" / "downloads") == [HASH, f"{HASH}/x.txt"]


def test_the_callers_directory_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    keep(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_relative_directory_becomes_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert keep("here") == str(tmp_path / "here" / HASH / "x.txt")


def test_a_file_shows_only_when_it_is_whole(tmp_path: Path) -> None:
    file = Downloads().create(str(tmp_path))
    file.write(b"da")
    (name,) = everything_in(tmp_path)
    assert name.startswith(".")
    assert name.endswith(".part")
    assert mode(tmp_path / name) == 0o600
    file.write(b"ta")
    file.keep(HASH, "x.txt")
    file.close()
    assert everything_in(tmp_path) == [HASH, f"{HASH}/x.txt"]
    assert (tmp_path / HASH / "x.txt").read_bytes() == b"data"


def test_a_file_that_is_not_kept_is_removed(tmp_path: Path) -> None:
    before = open_descriptors()
    file = Downloads().create(str(tmp_path))
    file.write(b"data")
    file.close()
    file.close()
    assert everything_in(tmp_path) == []
    assert open_descriptors() == before


def test_a_file_that_somebody_else_has_removed(tmp_path: Path) -> None:
    file = Downloads().create(str(tmp_path))
    (part,) = tmp_path.iterdir()
    part.unlink()
    file.close()
    assert everything_in(tmp_path) == []


def test_the_same_file_again(tmp_path: Path) -> None:
    assert keep(tmp_path) == keep(tmp_path)
    assert everything_in(tmp_path) == [HASH, f"{HASH}/x.txt"]
    assert keep(tmp_path, name="y.txt").endswith("y.txt")
    assert everything_in(tmp_path) == [HASH, f"{HASH}/x.txt", f"{HASH}/y.txt"]


def test_two_files_under_way_at_once(tmp_path: Path) -> None:
    files = [Downloads().create(str(tmp_path)) for _ in range(2)]
    for file in files:
        file.write(b"data")
    assert len({file.keep(HASH, "x.txt") for file in files}) == 1
    for file in files:
        file.close()
    assert everything_in(tmp_path) == [HASH, f"{HASH}/x.txt"]


def test_a_link_in_the_place_of_the_folder_leads_nowhere(tmp_path: Path) -> None:
    elsewhere, directory = tmp_path / "elsewhere", tmp_path / "downloads"
    elsewhere.mkdir()
    directory.mkdir()
    (directory / HASH).symlink_to(elsewhere)
    with pytest.raises(FileError, match="cannot be written"):
        keep(directory)
    assert everything_in(elsewhere) == []
    assert everything_in(directory) == [HASH]


def test_a_link_in_the_place_of_the_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / HASH).mkdir()
    (tmp_path / HASH / "x.txt").symlink_to(target)
    path = Path(keep(tmp_path))
    assert target.read_bytes() == b"precious"
    assert not path.is_symlink()
    assert path.read_bytes() == b"data"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_something_else_in_the_place_of_a_download(tmp_path: Path, what: str) -> None:
    if what == "folder":
        (tmp_path / HASH).write_bytes(b"a file")
    else:
        (tmp_path / HASH / "x.txt").mkdir(parents=True)
    before = everything_in(tmp_path)
    with pytest.raises(FileError, match="cannot be written"):
        keep(tmp_path)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("directory", ["file", "file/below", "a\0b"])
def test_a_directory_that_cannot_be(tmp_path: Path, directory: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="a download cannot be written to"):
        Downloads().create(f"{tmp_path}/{directory}")


@pytest.mark.parametrize("call", ["write", "close", "mkdir", "replace"])
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    before = open_descriptors()
    file = Downloads().create(str(tmp_path))
    really = getattr(os, call)

    def full(*args: Any, **options: Any) -> Any:
        if call == "close":
            really(*args)  # a disk may say so as late as here, and the descriptor is gone all the same
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)

    def finish() -> None:
        file.write(b"data")
        file.keep(HASH, "x.txt")

    with pytest.raises(FileError, match="No space left"):
        finish()
    file.close()
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.part"))
    assert not list(tmp_path.rglob("x.txt"))
    assert open_descriptors() == before


def test_a_file_is_removed_though_it_cannot_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Downloads().create(str(tmp_path))
    really = os.close

    def fails(descriptor: int) -> None:
        really(descriptor)
        raise OSError(errno.EIO, "late")

    monkeypatch.setattr(os, "close", fails)
    file.close()
    monkeypatch.undo()
    assert everything_in(tmp_path) == []


def test_a_disk_that_takes_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.write
    monkeypatch.setattr(os, "write", lambda file, data: really(file, data[:3]))
    path = keep(tmp_path, b"0123456789")
    assert Path(path).read_bytes() == b"0123456789"


def test_the_directory_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "gradio"))
    assert keep(None) == str(tmp_path / "gradio" / HASH / "x.txt")


def test_a_directory_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    downloads = Downloads()
    files = [downloads.create(None) for _ in range(2)]
    (directory,) = tmp_path.iterdir()
    assert mode(directory) == 0o700
    for file in files:
        file.close()
    directory.rmdir()  # as those do who tidy up
    downloads.create(None).close()
    (again,) = tmp_path.iterdir()
    assert mode(again) == 0o700


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_leaves_the_file_to_its_parent(tmp_path: Path) -> None:
    file = WritableFile(str(tmp_path))
    file.write(b"da")
    child = os.fork()
    if child == 0:
        try:
            file.close()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    file.write(b"ta")
    path = file.keep(HASH, "x.txt")
    assert Path(path).read_bytes() == b"data"
    file.close()
    assert everything_in(tmp_path) == [HASH, f"{HASH}/x.txt"]

"""The real servers answer as what they are, and what installs and starts them says what is wrong."""

from __future__ import annotations

import json
import os
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import install
from servers.install import InstallError, Python, candidates, find_python, inspect_python
from servers.running import Servers

from gradio_proto.conformance.reference import LaunchError

PROTOCOLS = {"6.31.0": "sse_v3", "5.49.1": "sse_v3", "4.44.1": "sse_v3", "4.13.0": "sse_v1"}


def test_the_server_is_the_one_that_was_asked_for(real_server: Servers, server_version: str) -> None:
    url = real_server(server_version)
    with urllib.request.urlopen(f"{url}/config", timeout=30) as response:
        config = json.load(response)
    assert config["version"].strip() == server_version
    assert config["protocol"] == PROTOCOLS[server_version]
    names = [dependency["api_name"] for dependency in config["dependencies"]]
    assert names[:4] == ["echo", "calc", "count", "stream"]
    assert real_server(server_version) == url, "the second call got another server"


@pytest.mark.real("6.31.0")
def test_a_variant_is_a_server_of_its_own(real_server: Servers, server_version: str) -> None:
    url = real_server(server_version, auth="user:secret")
    assert url != real_server(server_version)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{url}/config", timeout=30)
    caught.value.close()
    assert caught.value.code == 401


def test_a_server_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "SERVERS", tmp_path)
    with Servers() as servers, pytest.raises(LaunchError, match=r"install\.py 5\.49\.1.*--no-real-servers"):
        servers("5.49.1")
    with (
        Servers() as servers,
        pytest.raises(InstallError, match=r"no environment '1\.2\.3'; there are: .*6\.31\.0"),
    ):
        servers("1.2.3")


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_candidates_are_the_running_python_then_pyenv_then_path(tmp_path: Path) -> None:
    for version in ("3.10.2", "3.11.7", "3.9.1"):
        script(tmp_path / "versions" / version / "bin" / "python", "")
    found = list(candidates(running="me", path=f"/a{os.pathsep}/b", pyenv_root=tmp_path))
    assert found == [
        *("me", str(tmp_path / "versions/3.11.7/bin/python"), "/a/python3.11", "/b/python3.11"),
        *("me", "/a/python3.12", "/b/python3.12"),
        *("me", str(tmp_path / "versions/3.10.2/bin/python"), "/a/python3.10", "/b/python3.10"),
    ]


def test_find_python_prefers_the_version_over_the_order(tmp_path: Path) -> None:
    versions = {"new": "3.13.0", "shim": None, "older": "3.10.13", "best": "3.11.7", "late": "3.11.9"}
    for name in versions:
        script(tmp_path / name, "")

    def inspect(path: str) -> Python | None:
        version = versions[Path(path).name]
        return None if version is None else Python(path, version)

    paths = [str(tmp_path / name) for name in (*versions, "missing")]
    assert find_python(paths, inspect=inspect) == Python(str(tmp_path / "best"), "3.11.7")
    assert find_python(paths[:3], inspect=inspect) == Python(str(tmp_path / "older"), "3.10.13")


def test_no_suitable_python_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"3\.10, 3\.11, 3\.12.*pyenv install 3\.11.*--no-real-servers"):
        find_python([str(tmp_path / "missing")])


def test_a_python_is_taken_only_if_it_runs(tmp_path: Path) -> None:
    works = script(tmp_path / "works", "echo 3.11.7")
    shim = script(tmp_path / "shim", "echo 'python3.11: command not found' >&2; exit 127")
    not_executable = tmp_path / "text"
    not_executable.write_text("", encoding="utf-8")
    assert inspect_python(str(works)) == Python(str(works), "3.11.7")
    assert inspect_python(str(shim)) is None
    assert inspect_python(str(not_executable)) is None
    this = inspect_python(sys.executable)
    assert this is not None
    assert this.version == "{}.{}.{}".format(*sys.version_info[:3])


@pytest.fixture
def fake_installer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], str]:
    """A place of its own for the environments, and a `uv` whose 'pip install' is the given shell line."""
    monkeypatch.setattr(install, "SERVERS", tmp_path / "servers")

    def write(pip_install: str) -> str:
        make = 'for last; do :; done; mkdir -p "$last/bin"; : > "$last/bin/python"'
        return str(script(tmp_path / "uv", f'if [ "$1" = venv ]; then {make}; else {pip_install}; fi'))

    return write


PYTHON = Python("python", "3.11.7")


def test_an_environment_is_made_once_and_again_when_its_requirements_change(
    fake_installer: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = fake_installer("true")
    assert not install.is_installed("4.13.0")
    install.install("4.13.0", PYTHON, uv)
    assert install.is_installed("4.13.0")

    def changed(name: str) -> str:
        return "gradio==0"

    monkeypatch.setattr(install, "requirements", changed)
    assert not install.is_installed("4.13.0")
    install.install("4.13.0", PYTHON, uv)
    assert install.is_installed("4.13.0")
    assert os.listdir(install.SERVERS) == ["4.13.0"]
    install.python_of("4.13.0").unlink()
    assert not install.is_installed("4.13.0")


def test_a_failed_install_leaves_nothing_and_shows_why(fake_installer: Callable[[str], str]) -> None:
    with pytest.raises(
        InstallError, match=r"pip install .*4\.13\.0\.txt\s+failed with status 3:\s+no such release"
    ):
        install.install("4.13.0", PYTHON, fake_installer("echo no such release; exit 3"))
    assert os.listdir(install.SERVERS) == []


def test_of_two_installs_at_once_the_first_is_kept(fake_installer: Callable[[str], str]) -> None:
    # The other run puts its environment in place while ours is being installed.
    other = install.SERVERS / "4.13.0"
    stamp = json.dumps({"requirements": install.requirements("4.13.0")})
    (install.SERVERS / "stamp").parent.mkdir(parents=True)
    (install.SERVERS / "stamp").write_text(stamp, encoding="utf-8")
    uv = fake_installer(
        f"mkdir -p {other}/bin; : > {other}/bin/python; cp {install.SERVERS}/stamp {other}/{install.STAMP}"
    )
    install.install("4.13.0", PYTHON, uv)
    assert install.is_installed("4.13.0")
    assert sorted(os.listdir(install.SERVERS)) == ["4.13.0", "stamp"]


def test_the_command_installs_what_is_missing(
    fake_installer: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uv = fake_installer("true")
    monkeypatch.setattr(install, "find_uv", lambda: uv)
    monkeypatch.setattr(install, "find_python", lambda: PYTHON)
    assert install.main(["4.13.0"]) == 0
    assert capsys.readouterr().out == "Installing 4.13.0 for Python 3.11.7\n"
    assert install.main(["4.13.0"]) == 0
    assert capsys.readouterr().out == ""
    assert install.main(["1.2.3"]) == 1
    assert "There is no environment '1.2.3'" in capsys.readouterr().err


@pytest.fixture
def fake_npm(fake_installer: Callable[[str], str], tmp_path: Path) -> str:
    """An `npm` that installs nothing but a folder, where --prefix says and beside a package.json."""
    return str(
        script(tmp_path / "npm", 'for last; do :; done; cd "$last" && mkdir node_modules && cat package.json')
    )


def test_an_environment_of_node_is_made_once(
    fake_npm: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "find_npm", lambda: fake_npm)
    assert install.main([install.PYODIDE]) == 0
    assert capsys.readouterr().out == f"Installing {install.PYODIDE} for Node\n"
    assert os.listdir(install.SERVERS) == [install.PYODIDE]
    assert install.main([install.PYODIDE]) == 0
    assert capsys.readouterr().out == ""
    install.packages_of(install.PYODIDE).rmdir()
    assert not install.is_installed(install.PYODIDE)


def test_a_failed_install_by_npm_leaves_nothing_and_shows_why(fake_npm: str) -> None:
    script(Path(fake_npm), "echo no such package; exit 1")
    with pytest.raises(InstallError, match=r"npm install .*\s+failed with status 1:\s+no such package"):
        install.install_of_node(install.PYODIDE, fake_npm)
    assert os.listdir(install.SERVERS) == []


def test_without_npm_an_environment_of_node_is_left_out(
    fake_npm: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "find_npm", lambda: None)
    assert install.main([install.PYODIDE]) == 0
    assert f"no npm here, so {install.PYODIDE} is left out" in capsys.readouterr().out
    assert not install.is_installed(install.PYODIDE)


def test_every_default_version_has_its_requirements() -> None:
    assert set(install.DEFAULTS) <= set(install.available())
    for version in install.DEFAULT_VERSIONS:
        assert f"gradio=={version}\n" in install.requirements(version)

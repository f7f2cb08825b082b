"""What importing costs: the package loads nothing, the client nothing that it may never need."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import textwrap

import pytest

import gradio_proto

IO = {
    "asyncio",
    "email",
    "email.utils",
    "http.client",
    "httpcore",
    "httpx",
    "huggingface_hub",
    "importlib.metadata",
    "multiprocessing",
    "random",
    "select",
    "selectors",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "trio",
    "urllib.request",
    "wsproto",
}
THREADS = {"concurrent.futures", "logging", "threading"}


def loaded_by(statement: str) -> set[str]:
    """The modules that ``statement`` loads in an interpreter of its own."""
    program = f"""
        import json, sys
        before = set(sys.modules)
        {statement}
        print(json.dumps(sorted(set(sys.modules) - before)))
    """
    run = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", textwrap.dedent(program)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stderr == ""
    return set(json.loads(run.stdout))


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = loaded_by("import gradio_proto")
    assert {name for name in loaded if name.startswith("gradio")} == {"gradio_proto"}
    assert not loaded & (IO | THREADS)


def test_an_error_or_a_limit_needs_no_client() -> None:
    loaded = loaded_by("from gradio_proto import AppError, Limits, Timeouts")
    assert loaded >= {"gradio_proto.errors", "gradio_proto.limits", "gradio_proto.timeouts"}
    assert not {
        name for name in loaded if name.startswith(("gradio_proto.client", "gradio_proto.flows", "h11"))
    }
    assert not loaded & (IO | THREADS)


def test_the_client_loads_neither_transports_nor_what_it_may_never_need() -> None:
    loaded = loaded_by("from gradio_proto import Client")
    assert "gradio_proto.client.client" in loaded
    assert not loaded & IO
    others = ("gradio_transports", "gradio_proto.testing", "gradio_proto.conformance")
    assert not {name for name in loaded if name.startswith(others)}


def test_the_pure_half_of_testing_does_no_io() -> None:
    loaded = loaded_by("from gradio_proto.testing import ServerProtocol, TestApp")
    assert "gradio_proto.testing.protocol" in loaded
    assert not loaded & ((IO | THREADS) - {"wsproto"})


def test_the_in_memory_transport_does_no_io() -> None:
    loaded = loaded_by("import gradio_proto.testing.memory")
    assert not loaded & ((IO | THREADS) - {"wsproto"})


def test_every_public_name_can_be_loaded_in_any_order() -> None:
    for name in gradio_proto.__all__:
        value = getattr(gradio_proto, name)
        assert value is getattr(importlib.import_module(value.__module__), name)


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(gradio_proto), "Limits", raising=False)
    limits = gradio_proto.Limits
    assert vars(gradio_proto)["Limits"] is limits


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gradio_proto' has no attribute 'AsynClient'"):
        gradio_proto.AsynClient  # noqa: B018
    with pytest.raises(ImportError):
        exec("from gradio_proto import AsynClient")


def test_everything_public_is_listed() -> None:
    assert set(gradio_proto.__all__) < set(dir(gradio_proto))
    assert dir(gradio_proto) == sorted(set(dir(gradio_proto)))
    namespace: dict[str, object] = {}
    exec("from gradio_proto import *", namespace)
    assert set(gradio_proto.__all__) <= set(namespace)

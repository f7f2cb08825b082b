"""Each named defect of the embedded server shows, in every version that can show it, and nothing else does."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import defect_scenes as scenes
import pytest
from defect_scenes import Scene, View

from gradio_proto.testing import ServerProtocol, TestApp
from gradio_proto.testing.defects import DEFECTS, Defect
from gradio_proto.testing.embedded import EmbeddedServer, serve
from gradio_proto.testing.generations import PROTOCOLS

HIDES: dict[str, Any] = {"show_error": False}
GUARDED: dict[str, Any] = {"auth": ("u", "p")}
FULL: dict[str, Any] = {"max_queue_size": 1}
SMALL: dict[str, Any] = {"max_file_size": 100}

# Which scene shows a defect, and the options of the app in it. A name that ends in a slash is for all that begin so.
VIEWS: dict[str, View | tuple[View, dict[str, Any]]] = {
    "terminal/lost": scenes.grow,
    "terminal/twice": scenes.echo,
    "event-id/missing": scenes.echo,
    "event-id/of-sibling": scenes.two,
    "event-id/duplicate": scenes.two,
    "event-id/number": scenes.bad_joins,
    "rank/": scenes.waiting,
    "estimation/missing": scenes.echo,
    "estimation/never-again": scenes.waiting,
    "order/": scenes.echo,
    "order/starts-after-output": scenes.grow,
    "log/before-starts": scenes.talks,
    "log/other-session": scenes.two_sessions,
    "events/other-session": scenes.two_sessions,
    "message/": scenes.echo,
    "message/unknown-type": scenes.grow,
    "progress/": scenes.talks,
    "close-stream/": scenes.echo,
    "close-stream/with-jobs-open": scenes.two,
    "generating/": scenes.grow,
    "completed/": scenes.grow,
    "completed/empty-fails": scenes.nothing,
    "diff/": scenes.grow,
    "diff/index-as-string": scenes.lists,
    "diff/edit-lost": scenes.lists,
    "diff/wrong-delete-index": scenes.lists,
    "value/streamed-as-edits": scenes.grow,
    "value/reordered": scenes.three,
    "value/missing": scenes.three,
    "value/state-shown": scenes.state,
    "value/nan": scenes.nan,
    "value/batch-last": scenes.batch,
    "error/success-true": scenes.fail,
    "error/no-error-key": scenes.fail,
    "error/traceback-text": scenes.fail,
    "error/crash-shown": (scenes.fail, HIDES),
    "error/message-hidden": (scenes.fail, HIDES),
    "error/traceback-body": scenes.unknown_direct,
    "error/unknown-fn-500": scenes.unknown_direct,
    "error/malformed-poisons": scenes.after_malformed,
    "sse/": scenes.echo,
    "heartbeat/": scenes.heartbeats,
    "heartbeat-route/": scenes.heartbeat_route,
    "heartbeat-route/ends-others": scenes.heartbeat_end,
    "stream/closed-early": scenes.two,
    "stream/close-missing": scenes.echo,
    "stream/body-cut": scenes.echo,
    "stream/late-reader-misses": scenes.late_reader,
    "stream/second-job-silent": scenes.two,
    "stream/unknown-session-hangs": scenes.unknown_session,
    "stream/hang-up-ignored": scenes.hang_up,
    "stream/hang-up-ends-others": scenes.hang_up_before_another,
    "join/": scenes.bad_joins,
    "join/unknown-fn-accepted": scenes.unknown_fn,
    "join/extra-keys-refused": scenes.extra_keys,
    "join/surplus-refused": scenes.surplus,
    "join/too-few-accepted": scenes.too_few,
    "join/event-data-lost": scenes.see,
    "join/headers-lost": scenes.see,
    "session/long-hash-refused": scenes.bad_joins,
    "queue-full/": (scenes.full_queue, FULL),
    "queue/last-first": scenes.waiting,
    "queue/place-lost-by-error": scenes.failing_twice,
    "queue/error-ends-siblings": scenes.failing_sibling,
    "validator/": lambda scene: scene.run("checked", "x", "z"),
    "state/": scenes.state,
    "state/direct-call-keeps": scenes.direct_state,
    "state/default-shared": scenes.collecting,
    "stream-input/": scenes.chunks,
    "stream-input/time-limit-ignored": scenes.too_long,
    "stream-input/silence-forever": scenes.silence,
    "render/": scenes.render,
    "oauth/token-leaks": scenes.see,
    "cancel/": scenes.cancel_running,
    "cancel/waiting-runs": scenes.cancel_waiting,
    "cancel/place-kept": scenes.cancel_frees,
    "reset/": scenes.reset,
    "cancel-event/": (scenes.cancel_event, {"default_concurrency_limit": None}),
    "run/": scenes.direct,
    "run/session-ignored": scenes.direct_state,
    "run/unknown-accepted": scenes.unknown_direct,
    "run/closed-ignored": (scenes.direct, {"api_open": False}),
    "run/private-by-name": scenes.private,
    "call/": scenes.calls,
    "call-v2/": scenes.calls_v2,
    "component-server/": scenes.component,
    "files/": scenes.uploads,
    "files/download-cut": scenes.uploads,
    "files/path-traversal": scenes.downloads,
    "files/absolute-path": scenes.downloads,
    "files/encoded-path": scenes.downloads,
    "files/missing-200": scenes.downloads,
    "files/forbidden-500": scenes.downloads,
    "files/foreign-path-read": scenes.file_values,
    "files/meta-missing": scenes.file_values,
    "files/url-raw": scenes.file_values,
    "files/url-relative": scenes.file_values,
    "upload/": (scenes.uploads, SMALL),
    "config/": scenes.config,
    "info/": scenes.info,
    "app-id/": scenes.app_id,
    "auth/": (scenes.guarded, GUARDED),
    "auth/wrong-password-accepted": (scenes.logins, GUARDED),
    "auth/refused-with-200": (scenes.logins, GUARDED),
    "auth/one-cookie-set": (scenes.logins, GUARDED),
    "auth/one-cookie-taken": (scenes.logins, GUARDED),
    "auth/cookie-readable": (scenes.logins, GUARDED),
    "auth/user-name-lost": (scenes.logins, GUARDED),
    "auth/logout-keeps-others": (scenes.logout, GUARDED),
    "job/hang-up-ignored": scenes.hang_up,
    "ws/": scenes.echo,
    "ws/late-data-silent": scenes.late_data,
    "ws/continuous-estimated": scenes.tick,
    "ws/unknown-fn-accepted": scenes.unknown_fn,
    "sse0/": scenes.echo,
    "sse0/late-data-hangs": scenes.late_data,
    "sse0/unknown-event-accepted": scenes.unknown_event,
}

# Scenes that a defect leaves as they are, though they come near it.
UNTOUCHED: dict[str, View] = {
    "completed/edits": scenes.echo,
    "completed/empty-fails": scenes.grow,
    "config/prefixed": scenes.info,
    "event-id/duplicate": scenes.calls,
    "join/extra-keys-refused": scenes.echo,
    "join/surplus-refused": scenes.echo,
    "log/before-starts": scenes.echo,
    "queue/place-lost-by-error": scenes.direct,
    "render/other-session-accepted": scenes.unknown_fn,
    "sse0/late-data-hangs": scenes.echo,
    "sse0/not-ended": scenes.hang_up,
    "stream-input/silence-forever": scenes.too_long,
    "ws/continuous-estimated": scenes.echo,
}

ROOT = Path(__file__).parents[1]
REQUIREMENTS = {
    requirement["id"]: requirement
    for requirement in json.loads((ROOT / "spec/requirements.json").read_text())["requirements"]
}


def key(name: str) -> str:
    """Where a defect stands in that table."""
    return name if name in VIEWS else f"{name.partition('/')[0]}/"


def show(key: str, version: str, *defects: str) -> Any:
    found = VIEWS[key]
    view, options = found if isinstance(found, tuple) else (found, {})
    return view(Scene(version, defects, **options))


@functools.cache
def healthy(key: str, version: str) -> Any:
    told = show(key, version)
    assert show(key, version) == told
    return told


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS)
def test_it_shows(defect: Defect) -> None:
    for version in defect.versions:
        known = key(defect.name)
        assert show(known, version, defect.name) != healthy(known, version), version


@pytest.mark.parametrize("name", UNTOUCHED)
def test_it_does_no_more(name: str) -> None:
    version = DEFECTS[name].versions[-1]
    assert UNTOUCHED[name](Scene(version, (name,))) == UNTOUCHED[name](Scene(version))


def test_a_password_in_the_other_kind_of_form() -> None:
    """Only what a browser's form sends goes past the password."""
    refused = scenes.multipart_login(Scene("6.31.0", ("auth/wrong-password-accepted",), **GUARDED))
    assert refused == scenes.multipart_login(Scene("6.31.0", **GUARDED))
    assert refused[0] == 400


def test_calls_are_compressed_too() -> None:
    called = scenes.calls(Scene("6.31.0", ("sse/compressed",)))[0][1]
    assert gzip.decompress(b"".join(called[2])).startswith(b"event: generating")
    assert None not in called[2]


def test_the_table() -> None:
    assert len(DEFECTS) >= 66
    for name, defect in DEFECTS.items():
        assert defect.name == name
        assert defect.text.endswith(".")
        assert defect.parts
        assert REQUIREMENTS[defect.breaks]["binds"] == "server"
        assert set(defect.generations) <= set(REQUIREMENTS[defect.breaks]["generations"]), name
    assert DEFECTS["join/wrong-status"].generations == ("sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
    assert {version for defect in DEFECTS.values() for version in defect.versions} == set(PROTOCOLS)


def test_several_at_once() -> None:
    """Defects of one part, and one of them twice."""
    names = ("rank/negative", "order/starts-twice", "error/traceback-body", "rank/negative")
    told = str(scenes.echo(Scene("6.31.0", names)))
    assert '"rank":-1' in told
    assert told.count("process_starts") == 2
    assert b"Traceback" in scenes.unknown_direct(Scene("6.31.0", names))[2][0]


def test_a_mutant_has_no_other_defects() -> None:
    """A defect of real servers does not come with one that was asked for by name."""
    server = ServerProtocol(TestApp(version="5.49.1"), defects=["rank/rises"])
    assert server is not None
    assert scenes.unknown_direct(Scene("5.49.1"))[0] == 404


def test_names() -> None:
    app = TestApp(version="4.0.2")
    with pytest.raises(ValueError, match="there is no defect 'rank/rise'; there are rank/rises"):
        ServerProtocol(app, defects=["rank/rise"])
    with pytest.raises(
        ValueError, match=r"no defect '~~~'; there are app-id/disagrees, auth/.*, ws/unknown-fn-accepted"
    ):
        ServerProtocol(app, defects=["~~~"])
    with pytest.raises(
        ValueError, match=r"Gradio 4\.0\.2 cannot show 'ws/asks-twice'; these can: 3\.36\.1, 3\.50"
    ):
        EmbeddedServer(app, defects=["ws/asks-twice"])
    with pytest.raises(ValueError, match="there is no defect"), serve(app, defects=["rank"]):
        pass

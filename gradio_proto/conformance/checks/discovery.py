"""What a client has to know before it can call anything: the config, the API info, and whether they are true."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from hypothesis import strategies as st
from jsonschema_rs import ValidationError, validator_for

from gradio_proto.config import SKIPPED_TYPES, SUPPORTED_PROTOCOLS, is_object, list_of, object_of
from gradio_proto.files import replace_in

from ..model import Skipped, Violation
from ..registry import case
from ..schemas import has_schema
from ..session import Job
from ..strategies import FileToSend, inputs
from ..tester import Tester
from ..wire import Reply

PREFIXED_GETS: Final = ("info", "app_id", "queue/status", "user", "token")
"""Routes behind the prefix that answer anybody with 200."""
PREFIXED_POSTS: Final = ("upload", "queue/join", "cancel", "reset", "component_server")
"""Routes behind the prefix that refuse a body with nothing in it."""


def _config(tester: Tester) -> dict[str, Any]:
    reply = tester.get("config", prefixed=False)
    tester.check_status(reply, 200)
    return _object(reply)


def _info(tester: Tester, query: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    reply = tester.get("info", query)
    tester.check_status(reply, 200)
    return _object(reply)


def _whole_info(tester: Tester) -> dict[str, Any]:
    return _info(tester, [("all_endpoints", "True")])


def _object(reply: Reply) -> dict[str, Any]:
    value = reply.json()
    if not is_object(value):
        raise Violation(f"{reply.asked} was answered with JSON that is no object: {reply.text()[:200]!r}")
    return value


def _dependencies(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in list_of(config.get("dependencies")) if is_object(entry)]


def _components(config: Mapping[str, Any]) -> dict[Any, dict[str, Any]]:
    return {entry.get("id"): entry for entry in map(object_of, list_of(config.get("components")))}


def _name(dependency: Mapping[str, Any]) -> str:
    """The name of an endpoint; empty where it has none."""
    name = dependency.get("api_name")
    return name.strip("/") if isinstance(name, str) else ""


def _visibility(dependency: Mapping[str, Any]) -> str:
    if dependency.get("api_name") is False:
        return "private"
    if dependency.get("show_api") is False:
        return "undocumented"
    return cast(str, dependency.get("api_visibility", "public"))


def _named(info: Mapping[str, Any]) -> dict[str, Any]:
    return object_of(info.get("named_endpoints"))


def _names(info: Mapping[str, Any]) -> set[str]:
    return {name.strip("/") for name in _named(info)}


# The config


@case("discovery/config/location")
def the_config_is_where_clients_look(tester: Tester) -> None:
    """GET the config without a prefix: 200, and a JSON object."""
    _config(tester)


@case("discovery/config/parts")
def the_config_has_its_parts(tester: Tester) -> None:
    """Read the config: it has a version, components and dependencies."""
    config = _config(tester)
    for key, type_, called in (
        ("version", str, "string"),
        ("components", list, "list"),
        ("dependencies", list, "list"),
    ):
        tester.check(isinstance(config.get(key), type_), f"the config has no {called} {key!r}")


@case("discovery/config/protocol")
def the_config_names_the_generation(tester: Tester) -> None:
    """Read the config: its protocol is one that is known."""
    protocol = _config(tester).get("protocol")
    tester.check(
        protocol in SUPPORTED_PROTOCOLS and protocol != "ws",
        f"the config's protocol is {protocol!r}, which is no generation",
    )


@case("generations/json/schemas/config")
def the_config_is_valid(tester: Tester) -> None:
    """Read the config: it is valid under its schema."""
    tester.check_schema("replies/config", _config(tester))


@case("discovery/dependency/ids")
def dependencies_have_ids_of_their_own(tester: Tester) -> None:
    """Read the config: each dependency has a number, and each another one."""
    seen: set[int] = set()
    for dependency in _dependencies(_config(tester)):
        number = dependency.get("id")
        tester.check(
            isinstance(number, int) and number not in seen,
            f"the dependency {_name(dependency)!r} has the id {number!r}, which is none or another one's",
        )
        seen.add(cast(int, number))


@case("discovery/dependency/components")
def dependencies_name_components_that_are_there(tester: Tester) -> None:
    """Read the config: every input and output of a dependency is one of its components."""
    config = _config(tester)
    known = _components(config)
    for place, dependency in enumerate(_dependencies(config)):
        for key in ("inputs", "outputs"):
            missing = [id for id in dependency.get(key) or () if id not in known]
            tester.check(
                not missing,
                f"{key} of the dependency {dependency.get('id', place)} ({_name(dependency)!r}) names the components "
                f"{missing}, which the config does not have",
            )


@case("discovery/endpoint/unique-names")
def names_are_unique(tester: Tester) -> None:
    """Read the config: no two dependencies have one name."""
    seen: set[str] = set()
    for dependency in _dependencies(_config(tester)):
        name = _name(dependency)
        tester.check(not name or name not in seen, f"two dependencies have the api_name {name!r}")
        seen.add(name)


@case("discovery/endpoint/default-names", endpoints=("echo",))
def functions_give_names(tester: Tester) -> None:
    """Look for the endpoint of the reference app that has no name of its own and calls `echo` again: it is named after
    that, as `echo_1`."""
    if not tester.target.is_reference:
        raise Skipped("only the reference app is known to have an endpoint without a name")
    names = {_name(dependency) for dependency in _dependencies(_config(tester))}
    tester.check("echo_1" in names, "an endpoint without a name, of the function echo, is not called echo_1")


# The API info


@case("discovery/info/location")
def the_info_is_where_clients_look(tester: Tester) -> None:
    """GET the API info: it holds named endpoints, whose names begin with a slash, and unnamed ones."""
    info = _whole_info(tester)
    for key in ("named_endpoints", "unnamed_endpoints"):
        tester.check(isinstance(info.get(key), dict), f"the API info has no object {key!r}")
    for name in _named(info):
        tester.check(
            name.startswith("/"), f"the API info has an endpoint {name!r}, without a slash before it"
        )


@case("generations/json/schemas/info")
def the_info_is_valid(tester: Tester) -> None:
    """Read the API info: it is valid under its schema."""
    query = ("serialize", "False") if tester.protocol == "ws" else ("all_endpoints", "True")
    tester.check_schema("replies/info", _info(tester, [query]))


@case("discovery/info/unnamed")
def unnamed_endpoints_are_listed(tester: Tester) -> None:
    """Compare the config with the API info: an endpoint without a name is listed by its number."""
    listed = cast("dict[str, Any]", _info(tester).get("unnamed_endpoints") or {})
    for number, dependency in enumerate(_dependencies(_config(tester))):
        if dependency.get("api_name", False) is None and dependency.get("backend_fn") is not False:
            tester.check(
                str(number) in listed, f"the endpoint {number} has no name, and the API info does not list it"
            )


@case("discovery/info/complete")
def the_info_has_the_endpoints_of_the_config(tester: Tester) -> None:
    """Compare the config with the API info: each has the public endpoints of the other."""
    listed = _names(_info(tester))
    dependencies = _dependencies(_config(tester))
    for dependency in dependencies:
        name = _name(dependency)
        if name and _visibility(dependency) == "public" and dependency.get("backend_fn") is not False:
            tester.check(name in listed, f"the API info does not list the public endpoint /{name}")
    unknown = sorted(listed - {_name(dependency) for dependency in dependencies})
    tester.check(not unknown, f"the API info lists {unknown}, which the config does not have")


@case("discovery/info/order")
def parameters_are_in_the_order_of_inputs(tester: Tester) -> None:
    """Compare the config with the API info: parameters and returns are the inputs and outputs, without State."""
    config = _config(tester)
    components = _components(config)
    endpoints = {name.strip("/"): endpoint for name, endpoint in _named(_whole_info(tester)).items()}
    for dependency in _dependencies(config):
        endpoint = endpoints.get(_name(dependency))
        if endpoint is None:
            continue
        for key, ids in (("parameters", dependency["inputs"]), ("returns", dependency["outputs"])):
            # By their labels: a component without one gets a made-up label there, and some are called otherwise.
            wanted = [
                _label(components[id]) for id in ids if id in components and not _skipped(components[id])
            ]
            listed = [entry.get("label") for entry in endpoint[key]]
            agree = len(wanted) == len(listed) and all(
                label in (None, its_label) for label, its_label in zip(wanted, listed, strict=True)
            )
            tester.check(
                agree,
                f"the {key} of /{_name(dependency)} are {listed} in the API info, and {wanted} in the config",
            )


def _skipped(component: Mapping[str, Any]) -> bool:
    return bool(component.get("skip_api", component.get("type") in SKIPPED_TYPES))


def _label(component: Mapping[str, Any]) -> Any:
    return object_of(component.get("props")).get("label")


@case("discovery/info/undocumented")
def undocumented_endpoints_are_listed_on_request(tester: Tester) -> None:
    """Ask for the API info with and without `all_endpoints`: an undocumented endpoint is there with it, and only with
    it."""
    hidden = {
        _name(dependency)
        for dependency in _dependencies(_config(tester))
        if _visibility(dependency) == "undocumented" and dependency.get("backend_fn") is not False
    } - {""}
    if not hidden:
        raise Skipped("the app has no undocumented endpoint")
    missing = sorted(hidden - _names(_whole_info(tester)))
    tester.check(not missing, f"/info?all_endpoints=True does not list the undocumented endpoints {missing}")
    shown = sorted(hidden & _names(_info(tester)))
    tester.check(not shown, f"/info lists the undocumented endpoints {shown}")


@case("discovery/info/private")
def private_endpoints_are_not_listed(tester: Tester) -> None:
    """Ask for the API info: no endpoint is listed that is private."""
    dependencies = _dependencies(_config(tester))
    private = {_name(entry) for entry in dependencies if _visibility(entry) == "private"} - {""}
    # Where the config gives the name of a private endpoint as false, that of the reference app is known.
    if tester.target.is_reference:
        private |= {"private", "unnamed"} - {
            _name(entry) for entry in dependencies if _visibility(entry) != "private"
        }
    for info in (_info(tester), _whole_info(tester)):
        listed = sorted(private & _names(info))
        tester.check(not listed, f"the API info lists the private endpoints {listed}")


# What is behind them


@case("discovery/dependency/values", endpoints=("any",), examples=15)
def as_many_values_as_outputs(tester: Tester) -> None:
    """Call an endpoint with inputs drawn from what the API info says of it: there are as many values as outputs."""
    job = _drawn_job(tester)
    if job.success and "data" in job.output:
        tester.check(
            len(job.values) == len(job.endpoint.outputs),
            f"{job} gave {len(job.values)} values, and has {len(job.endpoint.outputs)} outputs",
        )


@case("discovery/info/types", endpoints=("any",), examples=15, severity="minor")
def values_have_the_type_of_the_info(tester: Tester) -> None:
    """Call an endpoint with inputs drawn from what the API info says of it: its values have the types told there."""
    job = _drawn_job(tester)
    if not job.success or "data" not in job.output:
        return
    shown = [
        value
        for value, component in zip(job.values, job.endpoint.outputs, strict=False)
        if component is not None and not component.skip_api
    ]
    info = job.endpoint.info
    for value, described in zip(shown, () if info is None else info.returns, strict=False):
        if value is None or "__type__" in object_of(value):
            continue
        for wrong in _wrong(described.type, value):
            raise Violation(
                f"{job} gave {described.label!r} a value that is not of the type in the API info: {wrong}"
            )


def _wrong(schema: Any, value: Any) -> Iterator[str]:
    if not (is_object(schema) or isinstance(schema, bool)):
        return
    try:
        errors = validator_for(schema).iter_errors(value)
    except (ValidationError, ValueError):
        return  # a schema that is none: the framework's own, and no client is asked to read it
    yield from (error.message[:200] for error in errors)


def _drawn_job(tester: Tester) -> Job:
    """A job of an endpoint that may be called, with drawn inputs, that is over."""
    endpoints = tester.allowed()
    endpoint = endpoints[tester.draw(st.integers(0, len(endpoints) - 1), "endpoint")]
    data: list[Any] = [
        replace_in(value, lambda part: _sent(tester, part)) for value in tester.draw(inputs(endpoint), "data")
    ]
    session = tester.session()
    job = session.submit(endpoint, *data)
    session.wait(job)
    return job


def _sent(tester: Tester, part: Any) -> Any:
    """What stands in the inputs for a file that was drawn; anything else is itself."""
    if not isinstance(part, FileToSend):
        return part
    return part.as_json(tester.upload_one(part.name, part.content) if part.needs_upload else "")


# One run of an app


@case("discovery/app-id/same")
def the_app_id_is_that_of_the_config(tester: Tester) -> None:
    """GET the app_id: it is the one in the config."""
    reply = tester.get("app_id")
    tester.check_status(reply, 200)
    found, wanted = _object(reply).get("app_id"), _config(tester).get("app_id")
    tester.check(
        found == wanted and isinstance(found, int), f"/app_id says {found!r}, and the config {wanted!r}"
    )


@case("discovery/app-id/changes", is_destructive=True, seconds=10)
def another_run_has_another_app_id(tester: Tester) -> None:
    """Start the server anew: it has another app_id."""
    before = _object(tester.get("app_id")).get("app_id")
    tester.restart_server()
    anew = tester.target.open()
    try:
        after = _object(anew.get("app_id")).get("app_id")
    finally:
        anew.wire.close()
    tester.check(before != after, f"the app_id is {after!r}, as it was before the server was started anew")


# Routes


@case("generations/routes/unprefixed")
def some_routes_have_no_prefix(tester: Tester) -> None:
    """Ask for the config, the page, the login and the logout without the prefix: they are there."""
    for route in ("config", ""):
        tester.check_status(tester.get(route, prefixed=False), 200)
    replies = [tester.post("login", body=b"", prefixed=False)]
    # Not with a login: it would be ended, that of the user's browser too where the cookie is the user's own.
    if tester.version >= (4, 20) and not {"cookie", "authorization"} & {*tester.wire.headers}:
        replies.append(tester.get("logout", prefixed=False))
    for reply in replies:
        tester.check(
            reply.status not in (404, 405),
            f"{reply.asked} was answered {reply.status}: there is no such route",
        )


@case("generations/routes/prefixed")
def the_others_have_the_prefix_of_the_config(tester: Tester) -> None:
    """Ask for the other routes behind the prefix that the config names: they are there."""
    replies = [tester.get(route) for route in PREFIXED_GETS]
    replies += [tester.post(route, {}) for route in PREFIXED_POSTS]
    for reply in replies:
        tester.check(
            reply.status not in (404, 405),
            f"{reply.asked} was answered {reply.status}: there is no such route",
        )


@case("generations/json/no-nan-out", endpoints=("special",))
def no_nan_comes_out(tester: Tester) -> None:
    """Have a function give NaN and infinities: they are null in its output."""
    for key, wanted in (("nan", {"a": None, "b": None, "c": None}), ("bare nan", None)):
        job = tester.run("special", key)
        tester.check(
            job.values == [wanted],
            f"{job} gave NaN and infinities as {json.dumps(job.values)} and not as null",
        )


@case("generations/json/no-nan-out/run", endpoints=("special",))
def no_nan_comes_out_of_a_direct_call(tester: Tester) -> None:
    """The same by a direct call."""
    endpoint = tester.endpoint("special")
    reply = tester.post("run/predict", {"data": ["nan"], "fn_index": endpoint.fn_index})
    tester.check_status(reply, 200)
    tester.check(b"NaN" not in reply.body and b"Infinity" not in reply.body, "a direct call gave a NaN")
    # What stands in the place of the others is not asked here: see [defect/run-spoils-json].


@case("generations/json/extra-keys", endpoints=("any",))
def unknown_keys_do_no_harm(tester: Tester) -> None:
    """Send a job with keys that no server knows: it runs as any other."""
    endpoint = tester.allowed()[0]
    session = tester.session()
    data = [None] * len(endpoint.inputs)
    job = session.submit(endpoint, *data, x_unknown={"a": [1]}, another=None)
    session.wait(job)
    plain = tester.session()
    same = plain.submit(endpoint, *data)
    plain.wait(same)
    tester.check(
        job.success == same.success,
        f"{job} ended with success {job.success}, and the same without unknown keys in its body with {same.success}",
    )


@case("generations/json/schemas/replies")
def replies_are_valid(tester: Tester) -> None:
    """Ask for what has no area of its own: app_id, the state of the queue, the user. What comes is valid under its
    schema."""
    for route, kind in (
        ("app_id", "replies/app_id"),
        ("queue/status", "replies/queue_status"),
        ("user", "replies/user"),
        ("token", "replies/token"),
        ("no/such/route", "replies/detail"),
    ):
        if has_schema(kind, tester.version) and (route != "app_id" or tester.version >= (3, 50)):
            tester.check_schema(kind, tester.get(route).json())

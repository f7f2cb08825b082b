"""Defects in the config and in the API info."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..access import Access
from ..answers import Answer, Handler, HTTPError, Later, Reply, Request, json_reply
from ..routes import Routes
from .table import SSE, V4, V5, WS_LAST, defect

# The config


@defect("config/version-missing", "discovery/config/parts")
class VersionMissing(Access):
    """The config has no ``version``."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        config = super().config(request)
        config.pop("version", None)
        return config


@defect("config/components-missing", "discovery/config/parts")
class ComponentsMissing(Access):
    """The config has no ``components``."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        config = super().config(request)
        del config["components"]
        return config


@defect("config/unknown-protocol", "discovery/config/protocol", since=SSE)
class UnknownProtocol(Access):
    """The config names a protocol that there is not."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        return {**super().config(request), "protocol": "sse_v0.9"}


@defect("config/wrong-api-prefix", "generations/routes/prefixed", since=V5)
class WrongAPIPrefix(Access):
    """The config names a prefix that no route has."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        return {**super().config(request), "api_prefix": "/api"}


@defect("config/duplicate-names", "discovery/endpoint/unique-names", since=SSE)
class DuplicateNames(Access):
    """Two functions have the same name in the config."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        config = super().config(request)
        for dependency in config["dependencies"][1:2]:
            dependency["api_name"] = config["dependencies"][0]["api_name"]
        return config


@defect("config/ids-disagree", "run/by-number", since=V4)
class IdsDisagree(Access):
    """The ids of functions in the config are one more than those by which they are called."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        config = super().config(request)
        for dependency in config["dependencies"]:
            dependency["id"] += 1
        return config


@defect("config/duplicate-ids", "discovery/dependency/ids", since=V4)
class DuplicateIds(Access):
    """Two functions have the same id in the config."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        config = super().config(request)
        for dependency in config["dependencies"][1:2]:
            dependency["id"] = config["dependencies"][0]["id"]
        return config


@defect("config/component-missing", "discovery/dependency/components")
class ComponentMissing(Access):
    """The last component is not in the config, though a function has it."""

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        config = super().config(request)
        used = {number for one in config["dependencies"] for number in (*one["inputs"], *one["outputs"])}
        last = max(used, default=0)
        kept = [component for component in config["components"] if component["id"] != last]
        return {**config, "components": kept}


@defect("app-id/disagrees", "discovery/app-id/same", since=WS_LAST)
class AppIdDisagrees(Routes):
    """The number of the app is another one than in its config."""

    def _get_app_id(self, request: Request, later: Later, now: float) -> Answer:
        return json_reply(200, {"app_id": self._app.app_id + 1})


@defect("config/prefixed", "generations/routes/unprefixed", since=V5)
class ConfigPrefixed(Routes):
    """The config is found behind the prefix only."""

    def _handler(self, request: Request) -> Handler:
        if request.path == "/config":
            raise HTTPError(404, "Not Found")
        if request.path == "/gradio_api/config":
            return super()._handler(replace(request, path="/config"))
        return super()._handler(request)


@defect("config/not-json", "discovery/config/location")
class ConfigNotJSON(Routes):
    """The config is sent as a page."""

    def _get_config(self, request: Request, later: Later, now: float) -> Answer:
        return self._get_page(request, later, now)


# The API info


def _info(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer, Reply)
    info: dict[str, Any] = json.loads(answer.body)
    return info


def _replies(info: Mapping[str, Any], named: Mapping[str, Any]) -> Reply:
    return json_reply(200, {**info, "named_endpoints": named})


@defect("info/endpoint-missing", "discovery/info/complete")
class EndpointMissing(Routes):
    """The last endpoint is not in the API info."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        return _replies(info, dict([*info["named_endpoints"].items()][:-1]))


@defect("info/names-without-slash", "discovery/info/location")
class NamesWithoutSlash(Routes):
    """The names in the API info have no slash."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        return _replies(info, {name.lstrip("/"): value for name, value in info["named_endpoints"].items()})


@defect("info/unnamed-missing", "discovery/info/location")
class UnnamedMissing(Routes):
    """The API info has no ``unnamed_endpoints``."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        return json_reply(200, {"named_endpoints": info["named_endpoints"]})


@defect("info/order-reversed", "discovery/info/order")
class OrderReversed(Routes):
    """The parameters of an endpoint stand in reverse order."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        named = {
            name: {**value, "parameters": value["parameters"][::-1]}
            for name, value in info["named_endpoints"].items()
        }
        return _replies(info, named)


@defect("info/returns-missing", "discovery/info/order")
class ReturnsMissing(Routes):
    """Of several outputs the API info lists the first only."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        named = {
            name: {**value, "returns": value["returns"][:1]}
            for name, value in info["named_endpoints"].items()
        }
        return _replies(info, named)


@defect("info/wrong-types", "discovery/info/types")
class WrongTypes(Routes):
    """The API info says of strings that are given that they are numbers."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        for value in info["named_endpoints"].values():
            for returned in value["returns"]:
                if returned["type"] == {"type": "string"}:
                    returned["type"] = {"type": "number"}
        return json_reply(200, info)


@defect("info/state-listed", "discovery/info/order")
class StateListed(Routes):
    """State is listed among the parameters."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        for name, value in info["named_endpoints"].items():
            endpoint = self._app.find(name.removeprefix("/"))
            for component in endpoint.inputs if endpoint is not None else ():
                if component.is_state:
                    value["parameters"].append({**component.info("State"), "example_input": None})
        return json_reply(200, info)


@defect("info/private-listed", "discovery/info/private", since=V4)
class PrivateListed(Routes):
    """Private endpoints are in the API info."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        info = _info(super()._get_info(request, later, now))
        private = [endpoint for endpoint in self._app.endpoints if endpoint.visibility == "private"]
        like: dict[str, Any] = next(iter(info["named_endpoints"].values()))
        more: dict[str, Any] = {
            f"/{endpoint.name}": {**like, "parameters": [], "returns": []} for endpoint in private
        }
        return _replies(info, {**info["named_endpoints"], **more})


@defect("info/undocumented-hidden", "discovery/info/undocumented", since=V4)
class UndocumentedHidden(Routes):
    """``all_endpoints`` is passed over."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        return super()._get_info(replace(request, query={}), later, now)


@defect("info/undocumented-shown", "discovery/info/undocumented", since=V4)
class UndocumentedShown(Routes):
    """The API info lists undocumented endpoints, whoever asks."""

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        return super()._get_info(replace(request, query={"all_endpoints": "True"}), later, now)

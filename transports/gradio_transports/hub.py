"""The Hub, asked by huggingface_hub: the only module that imports it.

It is imported when the first question is asked, which happens in a thread, since importing it takes as long as a
request. The environment is read when a client is made: ``HF_ENDPOINT`` (which huggingface_hub reads once for all),
``HF_HUB_OFFLINE``. What else it reads (``HF_TOKEN``, ``HF_HOME``, ``HF_HUB_DISABLE_IMPLICIT_TOKEN``, proxies), it reads
as ever, and requests go out by its own means.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gradio_proto.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectError,
    GradioError,
    HTTPStatusError,
    LocalProtocolError,
    RemoteProtocolError,
    SpaceError,
    SpaceNotFound,
    TooManyRequestsError,
)
from gradio_proto.redaction import Secrets
from gradio_proto.spaces import HUB, SpaceInfo, SpaceStatus
from gradio_proto.urls import AppURL, parse_app_url

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

T = TypeVar("T")

TRUE: Final = frozenset({"1", "ON", "YES", "TRUE"})
"""What huggingface_hub takes for yes in a variable."""


_RATE_LIMIT: Final = re.compile(r";\s*t=([0-9]{1,9})\b")
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class HuggingFaceHub:
    """A :class:`gradio_proto.spaces.Hub`, in the name of one user or of nobody.

    Args:
        token: A token; True for the saved login; None for that too, but not for apps that are not private; False for
            nobody.

    Raises:
        ArgumentError: The extra that it takes is not installed, or ``HF_ENDPOINT`` is nothing that a token may be sent
            to.
        LocalProtocolError: ``HF_HUB_OFFLINE`` is set.
    """

    def __init__(self, token: str | bool | None) -> None:
        if find_spec("huggingface_hub") is None:
            raise ArgumentError(
                "the name of a Space takes an extra that is not installed: pip install 'gradio_proto[hub]'"
            )
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE:
            raise LocalProtocolError(
                "HF_HUB_OFFLINE is set, and a Space is found by asking the Hub: unset it, or give the URL of an app"
            )
        self.endpoint: AppURL = parse_app_url(os.environ.get("HF_ENDPOINT") or HUB)
        origin = self.endpoint.origin
        if not origin.tls and not origin.is_loopback:
            raise ArgumentError(f"HF_ENDPOINT is {self.endpoint}, and a token is sent over https only")
        self._token = token

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.endpoint}>"

    def app_token(self, *, private: bool) -> str | None:
        """The token for the app of a Space."""
        if isinstance(self._token, str):
            return self._token
        if self._token is None and not private:
            return None  # it is anybody's app
        return self._saved_token

    def user(self) -> str:
        """The name of whose token it is."""
        api: Any = self._api  # which says no more of its answer than that it is a dict
        self._check_login()
        return self._ask(lambda: str(api.whoami()["name"]))

    def info(self, space_id: str) -> SpaceInfo:
        """What is known of a Space."""
        info = self._ask(lambda: self._api.space_info(space_id), space_id)
        if not info.host:
            raise RemoteProtocolError(f"the Hub names no host for the Space {space_id}")
        duplicated_from: Any = getattr(info.card_data, "duplicated_from", None)
        return SpaceInfo(
            host=info.host,
            subdomain=info.subdomain,
            private=info.private is True,  # or else its app is not sent the saved login
            sdk=info.sdk,
            duplicated_from=duplicated_from if isinstance(duplicated_from, str) else None,
            status=self.status(info.id) if info.runtime is None else _status(info.id, info.runtime),
        )

    def status(self, space_id: str) -> SpaceStatus:
        """How it is now."""
        return _status(space_id, self._ask(lambda: self._api.get_space_runtime(space_id), space_id))

    def duplicate(self, from_id: str, to_id: str, *, private: bool, secrets: dict[str, str]) -> None:
        """Make a copy; one that is there stays as it is."""
        self._check_login()  # to a stranger the Hub says that there is no such Space
        # The secrets go along, so that the copy never starts without them.
        pairs = [{"key": key, "value": value} for key, value in secrets.items()]
        api: Any = self._api
        options: dict[str, Any] = {"private": private, "exist_ok": True}
        if hasattr(api, "duplicate_repo"):
            self._ask(
                lambda: api.duplicate_repo(from_id, to_id, repo_type="space", space_secrets=pairs, **options),
                to_id,
                secrets.values(),
            )
        else:  # its name in older versions
            self._ask(
                lambda: api.duplicate_space(from_id, to_id, secrets=pairs, **options), to_id, secrets.values()
            )

    def request_hardware(self, space_id: str, hardware: str) -> None:
        """Have a Space run on other hardware."""
        api: Any = self._api  # a name that is newer than its list of names is as good
        self._ask(lambda: api.request_space_hardware(space_id, hardware), space_id)

    def set_sleep_time(self, space_id: str, seconds: int) -> None:
        """Have a Space sleep when nobody has asked it anything for so long."""
        self._ask(lambda: self._api.set_space_sleep_time(space_id, seconds), space_id)

    @cached_property
    def _api(self) -> HfApi:
        from huggingface_hub import HfApi

        token = self._token if isinstance(self._token, str) else self._saved_token
        return HfApi(endpoint=str(self.endpoint), token=token or False, library_name="gradio_proto")

    @cached_property
    def _saved_token(self) -> str | None:
        """The token of the saved login, where it may be used. Asked for once: it may have to be renewed at the Hub."""
        from huggingface_hub import constants, get_token

        if self._token is False or (self._token is None and constants.HF_HUB_DISABLE_IMPLICIT_TOKEN):
            return None
        try:
            token = get_token()
        except Exception as error:  # of the file that it is in, or of whoever renews it
            raise AuthenticationError(
                f"the saved login cannot be used: {error}; token=False goes without"
            ) from error
        if token is None and self._token is True:
            raise AuthenticationError(
                "token=True is the saved login, and there is none: log in with 'hf auth login', or give token= itself"
            )
        return token

    def _check_login(self) -> None:
        if not self._api.token:
            raise AuthenticationError(
                "this takes a Hugging Face login: give token=, or log in with 'hf auth login'"
            )

    def _ask(self, question: Callable[[], T], space_id: str = "", hidden: Iterable[str] = ()) -> T:
        """Ask, and raise what goes wrong as an error of ours, which shows neither the token nor what is to stay
        ``hidden``: the Hub may say them again, and the libraries below may quote them."""
        token = self._api.token
        try:
            return question()
        except Exception as error:
            Secrets([*hidden, token] if isinstance(token, str) else hidden).take_out(error)
            failure = self._failure(error, space_id)
        # It has no cause and no context: in what the libraries raise is the request, and in that the token, and causes
        # are pickled where tblib is installed, as it is with Dask.
        raise failure

    def _failure(self, error: Exception, space_id: str) -> GradioError:
        from huggingface_hub.errors import (
            HfHubHTTPError,
            HFValidationError,
            OfflineModeIsEnabled,
        )

        if isinstance(error, HfHubHTTPError):
            return self._refusal(error, space_id)
        if isinstance(error, HFValidationError):
            return ArgumentError(f"{space_id!r} is no name of a Space")
        if isinstance(error, OfflineModeIsEnabled):
            return LocalProtocolError(
                "huggingface_hub was imported with HF_HUB_OFFLINE set, and stays offline"
            )
        if isinstance(error, ValueError | TypeError | KeyError | AttributeError):
            return RemoteProtocolError(
                f"the Hub answered something that huggingface_hub does not understand: {type(error).__name__}",
                data=str(error),
            )
        # Of the HTTP library under it, of which it has had several.
        return ConnectError(f"the Hub at {self.endpoint} cannot be reached: {error}")

    def _refusal(self, error: HfHubHTTPError, space_id: str) -> GradioError:
        from huggingface_hub.errors import DisabledRepoError, GatedRepoError, RepositoryNotFoundError

        status = int(error.response.status_code)
        said = error.server_message
        if isinstance(error, GatedRepoError):
            return AuthenticationError(
                f"the Space {space_id} is gated: ask for access on {self.endpoint}/spaces/{space_id}, and give token="
            )
        if isinstance(error, RepositoryNotFoundError):
            or_else = (
                "this token may not see it"
                if self._api.token
                else "then give token=, or log in with 'hf auth login'"
            )
            message = f"there is no Space {space_id}, or it is private: {or_else}"
            return SpaceNotFound(message, space_id=space_id, hub_message=said)
        if isinstance(error, DisabledRepoError):
            return SpaceError(
                f"the Hub has disabled the Space {space_id}", space_id=space_id, hub_message=said
            )
        if status == 401:
            if not self._api.token:
                return AuthenticationError(
                    "the Hub wants a login for that: give token=, or log in with 'hf auth login'"
                )
            if isinstance(self._token, str):
                return AuthenticationError("the Hub does not accept this token")
            return AuthenticationError(
                "the Hub does not accept the saved login: log in again with 'hf auth login', or go without: token=False"
            )
        if status == 403:
            return AuthenticationError(
                f"the Hub does not allow that with this token: {said or 'no reason given'}"
            )
        if status == 429:
            return TooManyRequestsError(
                "the Hub has been asked too much (429)", retry_after=_retry_after(error.response.headers)
            )
        return HTTPStatusError(
            f"the Hub answered {status}" + (f" ({said})" if said else ""),
            status=status,
            retryable=status in (500, 502, 503, 504),
        )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a 429 asks for: in a ``Retry-After``, or as the Hub documents its limits, in a ``RateLimit:
    "api";r=0;t=55``."""
    limit = _RATE_LIMIT.search(headers.get("ratelimit", ""))
    after = limit[1] if limit is not None else headers.get("retry-after", "")
    return float(after) if _SECONDS.fullmatch(after) else None


def _status(space_id: str, runtime: Any) -> SpaceStatus:
    message = runtime.raw.get("errorMessage")
    return SpaceStatus(
        id=space_id,
        stage=str(runtime.stage),
        hardware=None if runtime.hardware is None else str(runtime.hardware),
        message=message if isinstance(message, str) and message else None,
    )

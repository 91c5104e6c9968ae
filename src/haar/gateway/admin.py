"""``POST /_haar/admin/<Action>``: what haar's own command line asks of a running haar.

No AWS API, but no back door either: each request is signed with SigV4 for the service ``haar`` by
the root of haar's account, counted, bounded and recorded like any call. Members and answers are
JSON objects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from haar.identity.sigv4 import Authenticated, Verifier
from haar.kernel.errors import RefusedAs
from haar.wire.http import HttpRequest

PREFIX = b"/_haar/admin/"
SERVICE = "haar"

Action = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Admin:
    """Knows who may administer, and what there is to do.

    Args:
        verifier: tells who signed.
        account: whose root may ask.
        actions: by name.
    """

    def __init__(self, verifier: Verifier, account: str, actions: Mapping[str, Action]) -> None:
        self._verifier = verifier
        self._account = account
        self._actions = actions

    def verify(self, request: HttpRequest) -> Authenticated:
        """Return who asks; its body has been read.

        Raises:
            ApiError: the signature is not right, or not the root's.
        """
        who = self._verifier.verify(request, service=SERVICE, family="json")
        if who.principal.kind != "root" or who.principal.account != self._account:
            raise RefusedAs("AccessDeniedException", "Only the root of haar may ask this.")
        return who

    def operation_of(self, request: HttpRequest) -> str:
        """Return the name that records and figures have of a request: strangers invent none."""
        name = name_of(request)
        return name if name in self._actions else "Unknown"

    async def act(self, request: HttpRequest) -> dict[str, Any]:
        """Do what a verified request asks.

        Raises:
            ApiError: there is no such action, or it refuses.
        """
        assert isinstance(request.body, bytes), "it was read before the signature was checked"
        action = self._actions.get(name_of(request))
        if action is None or request.method != "POST":
            raise RefusedAs("UnknownOperationException", "There is no such action.", status=404)
        try:
            members = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
            return await action(members)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, OverflowError) as err:
            raise RefusedAs("SerializationException", f"The members are not right: {err}") from err


def name_of(request: HttpRequest) -> str:
    """Return the name of the action."""
    return request.path[len(PREFIX) :].decode("latin-1")

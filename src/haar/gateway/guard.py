"""Which host names haar answers to, and which web pages may speak to it.

A browser runs the code of any page it shows, on the machine or in the network where haar is. Two
doors are shut to such code:

* **DNS rebinding**: a page's own host name is made to lead to haar's address, so that the browser
  takes haar for the page's origin. The ``Host`` header then has that name, which haar does not
  know. Addresses as such (``127.0.0.1``) and ``localhost`` cannot be rebound.
* **Cross-site requests**: a page sends requests to haar's own address. Signatures made from secrets
  that the page does not know protect most operations; the well-known keys of development, and what
  is not signed, they do not. Browsers tell the page in ``Origin`` or ``Sec-Fetch-Site``.

=========================================  ============================================
the request has                            it is let in
=========================================  ============================================
a ``Host`` that is an address              always
``localhost`` or a name below it           always
the address that is listened on, a domain  always: ``<bucket>.<domain>``,
of S3's, one of ``hosts``, a name below    ``<account>.ddb.<region>.<domain>``
no ``Host``                                always: browsers send one
``Origin``                                 it is haar's own, or one of ``origins``
``Sec-Fetch-Site: cross-site``, no Origin  a link that is followed, unless it has an
                                           ``Action``; a page of ``origins``
=========================================  ============================================
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from haar.identity.remembered import Remembered
from haar.kernel.errors import RefusedAs
from haar.wire.http import HeaderList, HttpRequest, HttpResponse

_KNOWN_MAX = 1024
_PREFLIGHT_S = 600
_METHODS = b"GET, HEAD, PUT, POST, DELETE, PATCH"


class StrangeHost(RefusedAs):
    """A host name that haar does not answer to."""

    def __init__(self, host: str) -> None:
        super().__init__(
            "AccessDenied",
            f"haar does not answer to the host name '{host}'. If it is one of haar's, add it to "
            "the setting 'hosts' (HAAR_HOSTS).",
            status=403,
        )


class StrangeOrigin(RefusedAs):
    """A web page that may not speak to haar."""

    def __init__(self, origin: str) -> None:
        super().__init__(
            "AccessDenied",
            f"haar takes no requests from web pages of '{origin}'. If they may speak to it, add "
            "that origin to the setting 'origins' (HAAR_ORIGINS).",
            status=403,
        )


class Guard:
    """Lets requests in by their host name, and by the web page that sends them.

    Args:
        names: host names that are haar's, with every name below them.
        origins: ``scheme://host[:port]`` of pages that may speak to it; ``*`` for all.
    """

    def __init__(self, names: Iterable[str], origins: Iterable[str]) -> None:
        # The address that is listened on may be empty: every one. No name is below that.
        known = {name.lower().strip(".*") for name in names} - {""}
        self._names = frozenset(known) | {"localhost"}
        self._origins = frozenset(origin.lower().rstrip("/").encode() for origin in origins)
        self._known: Remembered[bytes, bool] = Remembered(_KNOWN_MAX)

    def admit(self, request: HttpRequest) -> bytes | None:
        """Let a request in; return the origin of the page that sent it, None where no page did.

        Raises:
            StrangeHost: it was sent to a name that is not haar's.
            StrangeOrigin: it was sent by a page that may not.
        """
        headers = request.headers
        host = headers.get(b"host", b"")
        if host not in self._known:
            self._meet(host)
        if b"origin" in headers or b"sec-fetch-site" in headers:
            return self._page_of(request, host)
        return None

    def _meet(self, host: bytes) -> None:
        name = name_of(host)
        if not (name == "" or is_address(name) or self._is_below(name)):
            raise StrangeHost(host.decode("latin-1"))
        self._known.keep(host, True)  # noqa: FBT003  # a set with an order

    def _is_below(self, name: str) -> bool:
        labels = name.split(".")
        return any(".".join(labels[at:]) in self._names for at in range(len(labels)))

    def _page_of(self, request: HttpRequest, host: bytes) -> bytes | None:
        origin = request.headers.get(b"origin")
        if origin is not None:
            if not (self._is_allowed(origin) or is_own(origin, host)):
                raise StrangeOrigin(origin.decode("latin-1"))
            return origin
        if request.headers.get(b"sec-fetch-site") == b"cross-site" and not is_link(request):
            page = origin_of(request.headers.get(b"referer", b""))
            if not self._is_allowed(page):
                raise StrangeOrigin(page.decode("latin-1") or "another site")
        return None

    def _is_allowed(self, origin: bytes) -> bool:
        return b"*" in self._origins or origin.lower() in self._origins

    def is_preflight(self, request: HttpRequest) -> bool:
        """Return whether a browser asks what a page may send (CORS)."""
        return request.method == "OPTIONS" and b"access-control-request-method" in request.headers


def preflight(request: HttpRequest) -> HttpResponse:
    """Return what a page may send: everything, because signatures decide."""
    headers: HeaderList = [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", b"%d" % _PREFLIGHT_S),
    ]
    wanted = request.headers.get(b"access-control-request-headers")
    if wanted:
        headers.append((b"access-control-allow-headers", wanted))
    if request.headers.get(b"access-control-request-private-network") == b"true":
        headers.append((b"access-control-allow-private-network", b"true"))
    return HttpResponse(200, headers)


def open_to(origin: bytes, response: HttpResponse) -> HttpResponse:
    """Let the page read an answer."""
    response.headers += [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", b"*"),
        (b"vary", b"Origin"),
    ]
    return response


def name_of(host: bytes) -> str:
    """Return the name of a ``Host`` header, lower case, without port and last dot."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")


def is_address(name: str) -> bool:
    """Return whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_own(origin: bytes, host: bytes) -> bool:
    """Return whether an origin is the one that the request was sent to."""
    return origin.lower().partition(b"://")[2] == host.lower()


def is_link(request: HttpRequest) -> bool:
    """Return whether somebody followed a link that changes nothing."""
    is_followed = request.headers.get(b"sec-fetch-mode") == b"navigate"
    return is_followed and request.method in {"GET", "HEAD"} and b"Action=" not in request.query


def origin_of(url: bytes) -> bytes:
    """Return ``scheme://host[:port]`` of a URL, empty where it is none."""
    scheme, separator, rest = url.partition(b"://")
    return scheme + separator + rest.partition(b"/")[0] if separator else b""

"""``/_haar/…``: health and figures. Unsigned, and telling nothing that is a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from haar.gateway.admission import Admission
from haar.gateway.audit import Audit
from haar.gateway.figures import Figure, plain
from haar.wire.http import HttpRequest, HttpResponse

Describe = Callable[[], dict[str, Any]]
More = Callable[[], Iterable[Figure]]

PREFIXES = (b"/_haar/", b"/_localstack/")  # test tools look for a health page at the second


class Probes:
    """Answers health checks and scrapes.

    Args:
        admission: has the figures of calls at work.
        audit: has the figures of calls answered.
        describe: returns what ``/_haar/health`` tells besides.
        more: returns figures of the parts that the gateway does not know (store, process).
    """

    def __init__(
        self, admission: Admission, audit: Audit, *, describe: Describe, more: More
    ) -> None:
        self._admission = admission
        self._audit = audit
        self._describe = describe
        self._more = more

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the page, or 404."""
        page = request.path.split(b"/", 2)[-1]
        if request.method not in {"GET", "HEAD"}:
            return json_page(405, {"message": "Only GET is understood here."})
        if page == b"health":
            return json_page(200, {"status": "running", **self._describe()})
        if page == b"metrics":
            media = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
            return HttpResponse(200, [media], self._metrics())
        return json_page(404, {"message": "There is /_haar/health and /_haar/metrics."})

    def _metrics(self) -> bytes:
        lines = [*self._audit.figures.text(), *plain(self._own()), *plain(self._more())]
        return ("\n".join(lines) + "\n").encode()

    def _own(self) -> Iterator[Figure]:
        calls, audit = self._admission, self._audit
        yield Figure("haar_calls_active", "gauge", "Calls held: at work or waiting.", calls.calls)
        yield Figure("haar_calls_queued", "gauge", "Calls that wait for a turn.", calls.waiting)
        yield Figure("haar_calls_queued_total", "counter", "Calls that waited.", calls.waited)
        yield Figure("haar_calls_shed_total", "counter", "Calls without room.", calls.shed)
        yield Figure("haar_calls_late_total", "counter", "Calls past their deadline.", calls.late)
        yield Figure("haar_audit_pending", "gauge", "Records to be written.", audit.pending)
        yield Figure("haar_audit_lost_total", "counter", "Records lost.", audit.lost)


def json_page(status: int, content: dict[str, Any]) -> HttpResponse:
    """Return an answer of JSON."""
    return HttpResponse(
        status, [(b"content-type", b"application/json")], orjson.dumps(content) + b"\n"
    )

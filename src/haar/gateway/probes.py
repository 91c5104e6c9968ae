"""``/_haar/…``: health and figures. Unsigned, and telling nothing that is a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from haar.gateway.admission import Admission
from haar.gateway.audit import Audit
from haar.wire.http import HttpRequest, HttpResponse

Describe = Callable[[], dict[str, Any]]

PREFIXES = (b"/_haar/", b"/_localstack/")  # test tools look for a health page at the second


class Probes:
    """Answers health checks and scrapes.

    Args:
        admission: has the figures of calls at work.
        audit: has the figures of calls answered.
        describe: returns what ``/_haar/health`` tells besides.
    """

    def __init__(self, admission: Admission, audit: Audit, describe: Describe) -> None:
        self._admission = admission
        self._audit = audit
        self._describe = describe

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the page, or 404."""
        page = request.path.split(b"/", 2)[-1]
        if request.method not in {"GET", "HEAD"}:
            return _json(405, {"message": "Only GET is understood here."})
        if page == b"health":
            return _json(200, {"status": "running", **self._describe()})
        if page == b"metrics":
            return HttpResponse(
                200, [(b"content-type", b"text/plain; version=0.0.4")], self._metrics()
            )
        return _json(404, {"message": "There is /_haar/health and /_haar/metrics."})

    def _metrics(self) -> bytes:
        figures = (
            ("haar_calls_total", "counter", "Calls answered.", self._audit.calls),
            (
                "haar_calls_refused_total",
                "counter",
                "Calls answered by an error.",
                self._audit.errors,
            ),
            ("haar_calls_active", "gauge", "Calls at work.", self._admission.calls),
            (
                "haar_calls_shed_total",
                "counter",
                "Calls there was no room for.",
                self._admission.refused,
            ),
        )
        return "".join(
            f"# HELP {name} {sentence}\n# TYPE {name} {kind}\n{name} {value}\n"
            for name, kind, sentence, value in figures
        ).encode()


def _json(status: int, content: dict[str, Any]) -> HttpResponse:
    return HttpResponse(
        status, [(b"content-type", b"application/json")], orjson.dumps(content) + b"\n"
    )

"""``/_haar/…``: health and figures."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError


def page(haar: Any, path: str, method: str = "GET") -> tuple[int, str]:
    try:
        with urlopen(Request(haar.endpoint + path, method=method), timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize("path", ["/_haar/health", "/_localstack/health"])
def test_health_names_the_services_and_the_version(haar: Any, path: str) -> None:
    """Also where test tools look: each service that there is says that it runs."""
    status, text = page(haar, path)
    health = json.loads(text)
    assert status == 200
    assert health["services"]["sts"] == "running"
    assert health["services"]["lambda"] == "running"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", health["version"])


def test_metrics_count_calls_by_operation_and_code(haar: Any) -> None:
    """Calls, their errors and their times, in the form that Prometheus reads."""
    haar.client("sts").get_caller_identity()
    with pytest.raises(ClientError):
        haar.client("sts", aws_secret_access_key="wrong").get_caller_identity()
    status, text = page(haar, "/_haar/metrics")
    assert status == 200
    who = 'service="sts",operation="GetCallerIdentity"'
    assert f'haar_requests_total{{{who},code="OK"}} 1' in text
    assert f'haar_requests_total{{{who},code="SignatureDoesNotMatch"}} 1' in text
    assert f'haar_request_seconds_bucket{{{who},le="+Inf"}} 2' in text
    assert f"haar_request_seconds_count{{{who}}} 2" in text
    for name in (
        "haar_calls_active",
        "haar_calls_queued",
        "haar_calls_shed_total",
        "haar_audit_lost_total",
        "haar_connections",
        "process_cpu_seconds_total",
    ):
        assert re.search(rf"^# TYPE {name} (gauge|counter)$", text, re.MULTILINE)
        assert re.search(rf"^{name} [0-9.e+]+$", text, re.MULTILINE)


def test_buckets_add_up(haar: Any) -> None:
    """A histogram's counts grow with the bound, up to the number of calls."""
    for _ in range(20):
        haar.client("sts").get_caller_identity()
    _, text = page(haar, "/_haar/metrics")
    counts = [int(found) for found in re.findall(r"_seconds_bucket\{.*\} (\d+)", text)]
    assert counts == sorted(counts)
    assert counts[-1] == 20


def test_other_pages_and_methods_are_refused(haar: Any) -> None:
    """What is not there is 404, what is not a reading 405."""
    assert page(haar, "/_haar/secrets")[0] == 404
    assert page(haar, "/_haar/health", "POST")[0] == 405

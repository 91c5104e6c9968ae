"""Host names and web pages: whom haar answers to."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from haar.gateway.guard import Guard, StrangeHost
from haar.testing import Running, running
from haar.wire.http import HttpRequest

PAGE = "https://app.example.com"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Running]:
    with running(hosts=("host.docker.internal", "*.example.org"), origins=(PAGE,)) as started:
        yield started


def ask(
    cloud: Running,
    host: str | None = "localhost",
    method: str = "GET",
    path: str = "/",
    **headers: str,
) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(cloud.endpoint.removeprefix("http://"), timeout=60)
    connection.putrequest(method, path, skip_host=True)
    if host is not None:
        connection.putheader("Host", host)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:4566",
        "localhost.",
        "127.0.0.1:4566",
        "192.0.2.7",
        "[::1]:4566",
        "photos.localhost:4566",
        "photos.s3.us-east-1.localhost",
        "photos.s3.localhost.localstack.cloud:4566",
        "123456789012.ddb.us-east-1.localhost:4566",
        "host.docker.internal:4566",
        "example.org",
        "sqs.eu-west-1.example.org",
    ],
)
def test_its_own_names_are_answered(cloud: Running, host: str) -> None:
    """Addresses, localhost, S3's domains, the names of the setting, and every name below."""
    assert "does not answer" not in ask(cloud, host)[1]
    assert ask(cloud, host, path="/_haar/health")[0].status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "example.com",
        "myexample.org",
        "internal",
        "127.0.0.1.evil.example:4566",
        "localstack.cloud",
        "a b",
    ],
)
@pytest.mark.parametrize("path", ["/", "/bucket/key", "/_haar/health", "/_haar/metrics"])
def test_another_name_is_refused(cloud: Running, host: str, path: str) -> None:
    """A name that leads to haar without being its own is told so, on every page."""
    answer, text = ask(cloud, host, path=path)
    assert answer.status == 403
    assert f"haar does not answer to the host name '{host}'" in text
    assert "HAAR_HOSTS" in text


def test_no_name_is_below_every_address() -> None:
    """An empty host to listen on, which means every address, opens haar to no name."""
    host = {b"host": b"evil.example.."}
    request = HttpRequest(
        method="GET", path=b"/", query=b"", headers=host, header_list=[], body=b"", peer=""
    )
    with pytest.raises(StrangeHost):
        Guard(("",), ()).admit(request)


def test_a_refused_name_is_refused_in_the_protocol(cloud: Running) -> None:
    """A JSON client reads the refusal as any other."""
    answer, text = ask(cloud, "evil.example", "POST", X_Amz_Target="DynamoDB_20120810.ListTables")
    assert answer.status == 403
    assert '"__type"' in text
    assert "AccessDenied" in text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://app.example.com"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "cross-site", "Referer": "https://evil.example/x"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "path": "/?Action=X"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "method": "POST"},
    ],
)
def test_a_strange_page_is_refused(cloud: Running, headers: dict[str, str]) -> None:
    """Whatever another site's page makes a browser send is refused, with what to set."""
    answer, text = ask(cloud, **headers)
    assert answer.status == 403
    assert "haar takes no requests from web pages of" in text
    assert "HAAR_ORIGINS" in text
    assert answer.headers["access-control-allow-origin"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": PAGE},
        {"Origin": "http://localhost"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "cross-site", "Referer": PAGE + "/orders"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
    ],
)
def test_its_own_pages_and_those_of_the_setting_may_speak(
    cloud: Running, headers: dict[str, str]
) -> None:
    """Same-origin pages, pages of the setting, and links that people follow."""
    answer, text = ask(cloud, path="/bucket/key", **headers)
    assert "web pages" not in text
    assert answer.headers["access-control-allow-origin"] == headers.get("Origin")


def test_a_page_of_the_setting_may_ask_what_it_may_send(cloud: Running) -> None:
    """A preflight is answered, with the headers that the page wants to send."""
    asked = {
        "Access_Control_Request_Method": "PUT",
        "Access_Control_Request_Headers": "authorization,x-amz-date",
        "Access_Control_Request_Private_Network": "true",
    }
    answer, _ = ask(cloud, method="OPTIONS", path="/b/k", Origin=PAGE, **asked)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-headers"] == "authorization,x-amz-date"
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    answer, _ = ask(cloud, method="OPTIONS", path="/b/k", Origin="https://evil.example", **asked)
    assert answer.status == 403

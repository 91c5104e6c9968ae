"""haar over TLS, with the SDK as the client."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from haar.testing import Running, running


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("data")
    with running(data=data, tls=True, hosts=("haar.example",)) as started:
        yield started


def trusting(cloud: Running) -> ssl.SSLContext:
    data = cloud.app.config.data
    assert data is not None
    return ssl.create_default_context(cafile=data / "tls" / "ca.pem")


def handshake(cloud: Running, name: str, context: ssl.SSLContext) -> str | None:
    port = int(cloud.endpoint.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        return secure.version()


def test_clients_that_trust_the_authority_are_served(cloud: Running) -> None:
    """boto3 with AWS_CA_BUNDLE calls it, and is told https."""
    assert cloud.endpoint.startswith("https://127.0.0.1:")
    assert cloud.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_clients_that_do_not_trust_it_refuse(cloud: Running) -> None:
    """Without the bundle the certificate is nobody's."""
    options: dict[str, Any] = {"config": Config(retries={"total_max_attempts": 1})}
    with pytest.raises(SSLError):
        cloud.client("sts", verify=True, **options).get_caller_identity()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "haar.example", "photos.haar.example"])
def test_the_certificate_is_good_for(cloud: Running, name: str) -> None:
    """Names of the loopback, of the settings, and below them."""
    assert handshake(cloud, name, trusting(cloud)) == "TLSv1.3"


def test_the_certificate_is_not_good_for_others(cloud: Running) -> None:
    """Nobody can be fooled with it elsewhere."""
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(cloud, "evil.example", trusting(cloud))


def test_uploads_in_unsigned_chunks_arrive(cloud: Running) -> None:
    """Over TLS boto3 signs no chunks and sends the checksum as a trailer: another way in."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="photos")
    body = bytes(range(256)) * 8000
    s3.put_object(Bucket="photos", Key="large", Body=body)
    assert s3.get_object(Bucket="photos", Key="large")["Body"].read() == body

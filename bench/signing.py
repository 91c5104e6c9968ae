"""Signed requests as raw bytes, made by botocore's own signer."""

from __future__ import annotations

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class Signer:
    """Signs for one endpoint.

    Args:
        port: of the endpoint, on the loopback address.
        access_key_id: and ``secret``, of the account that asks.
    """

    def __init__(self, port: int, access_key_id: str, secret: str) -> None:
        self.port = port
        self._credentials = Credentials(access_key_id, secret)

    def target(self, service: str, target: str, body: bytes, version: str = "1.0") -> bytes:
        """Return a request of a JSON protocol."""
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": target}
        return self.raw(service, "POST", "/", body, headers)

    def raw(
        self, service: str, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> bytes:
        """Return a request of any protocol."""
        host = f"127.0.0.1:{self.port}"
        request = AWSRequest(
            method, f"http://{host}{path}", {**headers, "Host": host}, data=body or None
        )
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        kind(self._credentials, service, "us-east-1").add_auth(request)
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

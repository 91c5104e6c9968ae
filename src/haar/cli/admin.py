"""Asks something of a running haar, signed with the root's key like any AWS call."""

from __future__ import annotations

import json
from http.client import HTTPException
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haar.cli.env import read_key
from haar.cli.failure import NOT_RUNNING, Failure
from haar.cli.status import connect
from haar.config import Config, default_data
from haar.identity.certificates import bundle_of

TIMEOUT_S = 600  # a snapshot of much data takes its time


def ask(config: Config, action: str, members: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the haar that listens where ``config`` says.

    Raises:
        Failure: it does not run, or it refuses; the sentence says why.
    """
    endpoint, data = config.endpoint(), config.data or default_data()
    request = signed(config, data, action, json.dumps(members).encode())
    connection = connect(endpoint, bundle_of(config, data))
    connection.timeout = TIMEOUT_S
    try:
        connection.request("POST", f"/_haar/admin/{action}", request.body, dict(request.headers))
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except OSError as err:
        raise Failure(f"haar is not running at {endpoint}.", NOT_RUNNING) from err
    except (HTTPException, ValueError) as err:
        raise Failure(f"what answers at {endpoint} is not haar.", NOT_RUNNING) from err
    finally:
        connection.close()
    if answer.status != 200:
        raise Failure(str(told.get("message", told)))
    return dict(told)


def signed(config: Config, data: Path, action: str, body: bytes) -> AWSRequest:
    """Return a request with the signature of the root."""
    key = read_key(data)
    request = AWSRequest("POST", f"{config.endpoint()}/_haar/admin/{action}", data=body)
    SigV4Auth(Credentials(*key), "haar", config.region).add_auth(request)
    return request

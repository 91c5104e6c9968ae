"""The Runtime API client of Python functions: a script that imports nothing of haar.

It is run by the function's own interpreter (3.9 or newer) in the function's process, finds the
handler, and speaks HTTP/1.1 on descriptor 3, a socket that haar gave it. The answer to one
invocation and the question for the next leave in one write, which is the whole of its speed: one
write and one read an invocation.

What the handler sees is what AWS's own client shows it: the context object, the root logger's
format, the shape of errors (``errorMessage``, ``errorType``, ``requestId``, ``stackTrace``).
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import site
import sys
import time
from types import TracebackType
from typing import Any, Callable, NoReturn  # noqa: UP035  # it also runs where that is right

_SOCKET = 3
_PREFIX = "/2018-06-01/runtime"
_NEXT = f"GET {_PREFIX}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n".encode()


class InvocationLost(Exception):
    """The other end is gone."""


class Fault(Exception):
    """A function that cannot even be called."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


class Api:
    """HTTP on one descriptor: messages out, answers in, in order."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""

    def send(self, data: bytes) -> None:
        """Write all of the data."""
        sent = os.write(self._descriptor, data)
        while sent < len(data):
            sent += os.write(self._descriptor, memoryview(data)[sent:])

    def receive(self) -> tuple[dict[str, str], bytes]:
        """Return headers (lower case) and body of the next answer."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        start = end + 4
        stop = start + int(headers["content-length"])
        if len(self._buffer) < stop:
            self._fill(stop)
        body = self._buffer[start:stop]
        self._buffer = self._buffer[stop:]
        return headers, body

    def _fill(self, size: int) -> None:
        pieces = [self._buffer]
        missing = size - len(self._buffer)
        while missing > 0:
            piece = self._read()
            pieces.append(piece)
            missing -= len(piece)
        self._buffer = b"".join(pieces)

    def _more(self) -> None:
        self._buffer += self._read()

    def _read(self) -> bytes:
        piece = os.read(self._descriptor, 262_144)
        if not piece:
            raise InvocationLost
        return piece


class CognitoIdentity:
    """Whom Amazon Cognito knows the caller as; empty unless the invocation says."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.cognito_identity_id = values.get("cognitoIdentityId")
        self.cognito_identity_pool_id = values.get("cognitoIdentityPoolId")


class Client:
    """What a mobile application told of itself."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.installation_id = values.get("installation_id")
        self.app_title = values.get("app_title")
        self.app_version_name = values.get("app_version_name")
        self.app_version_code = values.get("app_version_code")
        self.app_package_name = values.get("app_package_name")


class ClientContext:
    """The caller's own context."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.custom = values.get("custom")
        self.env = values.get("env")
        self.client = Client(values.get("client") or {})


class LambdaContext:
    """The handler's second argument."""

    function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
    memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")

    def __init__(self, headers: dict[str, str]) -> None:
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
        self._deadline_ms = int(headers["lambda-runtime-deadline-ms"])
        identity = headers.get("lambda-runtime-cognito-identity")
        self.identity = CognitoIdentity(json.loads(identity) if identity else {})
        client = headers.get("lambda-runtime-client-context")
        self.client_context = ClientContext(json.loads(client)) if client else None

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left before the time-out."""
        return max(0, self._deadline_ms - time.time_ns() // 1_000_000)

    def log(self, message: object) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(message))
        sys.stdout.flush()

    def __repr__(self) -> str:
        shown = ",".join(f"{name}={value}" for name, value in vars(self).items() if name[0] != "_")
        return f"LambdaContext([{shown}])"


class LogHandler(logging.Handler):
    """Writes records to the function's log, as AWS formats them."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""
        form = logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
            "%Y-%m-%dT%H:%M:%S",
        )
        form.converter = time.gmtime
        self.setFormatter(form)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        record.aws_request_id = self.request_id
        sys.stdout.write(self.format(record))
        sys.stdout.flush()


def encode_other(value: object) -> float:
    """Return JSON's form of a value that json does not know: numbers of DynamoDB, as AWS does."""
    if type(value).__name__ == "Decimal":
        return float(str(value))
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_encode = json.JSONEncoder(ensure_ascii=False, default=encode_other).encode


def find_handler(name: str) -> Callable[[Any, LambdaContext], Any]:
    """Import the handler ``package/module.function``.

    Raises:
        Fault: there is none of that name, or its module does not import.
    """
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        text = f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", text)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as err:
        text = f"Unable to import module '{module_name}': {err}"
        raise Fault("Runtime.ImportModuleError", text) from err
    except SyntaxError as err:
        text = f"Syntax error in module '{module_name}': {err}"
        trace = [f'  File "{err.filename}" Line {err.lineno}\n    {err.text}']
        raise Fault("Runtime.UserCodeSyntaxError", text, trace) from err
    try:
        return getattr(module, function_name)  # type: ignore[no-any-return]
    except AttributeError as err:
        text = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", text) from err


def trace_of(traceback: TracebackType | None) -> list[str]:
    """Return the frames of the function's own code, formatted."""
    import traceback as formatter  # noqa: PLC0415  # only functions that fail pay for it

    frames = formatter.extract_tb(traceback)
    while frames and (frames[0].filename == __file__ or "importlib" in frames[0].filename):
        frames = formatter.StackSummary(frames[1:])
    return formatter.format_list(frames)


def describe(error: BaseException, request_id: str) -> dict[str, Any]:
    """Return an error as AWS shapes it."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind, trace = type(error).__name__, trace_of(error.__traceback__)
    return {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def log_error(shape: dict[str, Any]) -> None:
    """Write an error to the function's log."""
    lines = [f"[ERROR] {shape['errorType']}: {shape['errorMessage']}\n"]
    if shape["stackTrace"]:
        lines += ["Traceback (most recent call last):\n", *shape["stackTrace"]]
    sys.stdout.write("".join(lines))
    sys.stdout.flush()


def post(path: str, body: bytes, kind: str = "") -> bytes:
    """Return a request of the Runtime API."""
    error = f"Lambda-Runtime-Function-Error-Type: {kind}\r\n" if kind else ""
    head = (
        f"POST {_PREFIX}{path} HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n"
        f"{error}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1", "replace") + body


def refuse_init(api: Api, error: BaseException) -> NoReturn:
    """Tell that the function cannot start, and end."""
    shape = describe(error, "")
    log_error(shape)
    api.send(post("/init/error", _encode(shape).encode(), shape["errorType"]))
    api.receive()
    sys.exit(1)


def answer(
    handler: Callable[[Any, LambdaContext], Any], headers: dict[str, str], body: bytes
) -> bytes:
    """Run the handler once and return the request that tells how it went."""
    request_id = headers["lambda-runtime-aws-request-id"]
    try:
        result = handler(json.loads(body), LambdaContext(headers))
        try:
            text = _encode(result)
        except Exception as err:
            message = f"Unable to marshal response: {err}"
            raise Fault("Runtime.MarshalError", message) from err
    except Exception as err:  # noqa: BLE001  # whatever the function raises is its answer
        shape = describe(err, request_id)
        log_error(shape)
        path = f"/invocation/{request_id}/error"
        return post(path, _encode(shape).encode(errors="replace"), shape["errorType"])
    return post(f"/invocation/{request_id}/response", text.encode(errors="replace"))


def serve(api: Api, handler: Callable[[Any, LambdaContext], Any], log: LogHandler) -> None:
    """Answer invocations until the other end is gone."""
    flush_out, flush_err = sys.stdout.flush, sys.stderr.flush
    api.send(_NEXT)
    while True:
        headers, body = api.receive()
        log.request_id = headers["lambda-runtime-aws-request-id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        said = answer(handler, headers, body)
        flush_out()
        flush_err()
        api.send(said + _NEXT)
        api.receive()


def prepare() -> LogHandler:
    """Arrange the interpreter as a function expects it."""
    os.set_inheritable(_SOCKET, False)  # noqa: FBT003  # its signature
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib is slow to import
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]  # noqa: PTH100
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
    sys.argv = [sys.argv[0]]
    site.setquit()  # started without site, for speed; exit() is there all the same
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    log = LogHandler()
    logging.getLogger().addHandler(log)
    return log


def main() -> None:
    """Find the handler and serve it."""
    log = prepare()
    api = Api(_SOCKET)
    try:
        handler = find_handler(os.environ["_HANDLER"])
    except Exception as err:  # noqa: BLE001  # whatever the module raises is the function's answer
        refuse_init(api, err)
    try:
        serve(api, handler, log)
    except (InvocationLost, BrokenPipeError, ConnectionResetError):
        sys.exit(0)


if __name__ == "__main__":
    main()

"""What a client may ask of the server, in sizes, counts and seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of the server; beyond it is a clear refusal.

    Attributes:
        target_bytes_max: of the request line's target.
        header_bytes_max: of all headers, names and values.
        headers_max: how many.
        gather_bytes_max: bodies up to it are bytes; longer ones, and chunked ones, are streams.
        body_bytes_max: of a body.
        discard_bytes_max: of a body that nobody wants, to keep the connection.
        connections_max: open at once.
        pipeline_max: requests parsed ahead.
        head_s: from a request's first byte to the end of its headers.
        body_s: in which so much of a body must come:
        body_step_bytes: or all that is left of it. Who dribbles holds memory that others need.
        idle_s: between two requests.
        write_s: without the client reading.
        linger_s: for the client to read the last answer.
    """

    target_bytes_max: int = 16 * 1024
    header_bytes_max: int = 64 * 1024
    headers_max: int = 200
    gather_bytes_max: int = 1024 * 1024
    body_bytes_max: int = 5 * 1024**3 + 64 * 1024**2
    discard_bytes_max: int = 64 * 1024
    connections_max: int = 4096
    pipeline_max: int = 16
    head_s: float = 20.0
    body_s: float = 30.0
    body_step_bytes: int = 64 * 1024
    idle_s: float = 75.0
    write_s: float = 60.0
    linger_s: float = 3.0

"""How haar writes its log: one line an event on standard error, for people or as JSON.

Tracebacks are plain: a traceback that shows local variables would show secrets.
"""

from __future__ import annotations

import sys

import structlog


def configure(*, as_json: bool = False) -> None:
    """Set structlog up for a process that is haar. Libraries that embed haar keep their own."""
    shown: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        shown += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        shown.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=plain, sort_keys=False
            )
        )
    structlog.configure(
        processors=shown, logger_factory=structlog.PrintLoggerFactory(file=sys.stderr)
    )

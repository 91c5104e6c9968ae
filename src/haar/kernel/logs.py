"""How haar writes its log: one line an event on standard error, for people or as JSON.

Tracebacks are plain: a traceback that shows local variables would show secrets.

structlog takes as long to load as a tenth of haar's start, and most starts have nothing to log: it
comes with the first event.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import structlog


class Log:
    """Writes events: a name, and what is told of it by keyword.

    Args:
        name: of the writer, where events of several look alike.

    Attributes:
        pending: what :func:`configure` left to do; structlog's settings are the process's, too.
    """

    pending: ClassVar[list[Callable[[], None]]] = []

    def __init__(self, name: str = "") -> None:
        self._name = (name,) if name else ()

    def info(self, event: str, **told: Any) -> None:
        """Tell of what is as it should be."""
        self._logger().info(event, **told)

    def warning(self, event: str, **told: Any) -> None:
        """Tell of what somebody should look at."""
        self._logger().warning(event, **told)

    def error(self, event: str, **told: Any) -> None:
        """Tell of what went wrong."""
        self._logger().error(event, **told)

    def exception(self, event: str, **told: Any) -> None:
        """Tell of what went wrong, with the traceback of the exception that is being handled."""
        self._logger().error(event, **{"exc_info": True, **told})

    def _logger(self) -> structlog.typing.FilteringBoundLogger:
        import structlog  # noqa: PLC0415  # 45 ms

        while Log.pending:
            Log.pending.pop()()
        logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(*self._name)
        return logger


def configure(*, as_json: bool = False) -> None:
    """Say how a process that is haar logs. Libraries that embed haar keep their own way."""
    Log.pending[:] = [lambda: _configure(as_json=as_json)]


def _configure(*, as_json: bool) -> None:
    import structlog  # noqa: PLC0415  # 45 ms

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

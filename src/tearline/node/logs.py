"""The node's log: one JSON object a line on standard error, without content and without secrets.

An error is logged by its kind and its place in the code, never by its text or by variables: these
could hold what a partner sent or what nobody else may read.
"""

import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def log_as_json() -> None:
    """Set up logging for this process; what other packages log below a warning is left out."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_error,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _name_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the kind of an error and where it rose in the place of the error itself."""
    given = event.pop("exc_info", None)
    if given:
        found = given if isinstance(given, tuple) else sys.exc_info()
        error = given if isinstance(given, BaseException) else found[1]
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            event["error"] = type(error).__qualname__
            event["at"] = [f"{each.filename}:{each.lineno} {each.name}" for each in frames]
    return event

"""Lambda functions on this machine: AWS's own Python runtime client in workers from a preloaded fork server."""

from local.functions.configuration import Configurations, FunctionConfiguration
from local.functions.errors import CannotStart, FunctionNotFound, FunctionsError, RequestTooLarge, TooManyRequests
from local.functions.functions import Functions
from local.functions.invocation import Invocation
from local.functions.references import FunctionReference
from local.functions.sources import SourceMap

__all__ = [
    "CannotStart", "Configurations", "FunctionConfiguration", "FunctionNotFound", "FunctionReference", "Functions",
    "FunctionsError", "Invocation", "RequestTooLarge", "SourceMap", "TooManyRequests",
]  # fmt: skip

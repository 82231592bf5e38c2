"""The limits of this deployment, made at the first event and kept as long as the container lives."""

from functools import cache

from domain.clock import SYSTEM
from domain.parameters import RunTimeSetting, parameter
from domain.rate_limit import DEFAULT, RateLimit, parse_limits
from domain.settings import settings
from domain.table import Table, dynamodb

# How late a change of the parameter is noticed.
_MAX_AGE_SECONDS = 60


@cache
def rate_limit_here() -> RateLimit:
    """How many mutations callers may make. For `fields.answer` of every function that answers mutations."""
    here = settings()
    limits = RunTimeSetting(
        lambda: parameter(here.mutation_limits, _MAX_AGE_SECONDS), parse_limits, DEFAULT, _MAX_AGE_SECONDS, SYSTEM
    )
    return RateLimit(Table(here.rate_limits, dynamodb()), limits, SYSTEM)

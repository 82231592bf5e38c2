"""`ANY /legacy/{proxy+}` and `ANY /keys/legacy/{proxy+}`: what the legacy system answers, or we in its place."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.caller import CallerKind
from domain.clock import SYSTEM
from domain.errors import DomainError, TryAgain, Unauthorized
from domain.legacy import settings as legacy_settings
from domain.legacy.errors import LegacyError
from domain.legacy.server import LegacyServer
from domain.legacy.settings import METHODS, LegacySettings
from domain.legacy.strangler import Strangler
from domain.logs import function_logger
from domain.parameters import RunTimeSetting, parameter, secret
from domain.settings import settings
from domain.table import TableError
from rest import answers, callers, here, routes
from rest.face import Face

# How late a change of the table is noticed, and how long a container keeps the secret.
TABLE_SECONDS = 5
_SECRET_SECONDS = 300

logger = function_logger()
metrics = Metrics(namespace="Headwater")


def count(name: str, number: int) -> None:
    """Add to a metric of this invocation, as embedded metric format in the log."""
    metrics.add_metric(name, MetricUnit.Count, number)


def signing_secret() -> bytes | None:
    """What requests to the legacy system are signed with; None when the deployment names no secret."""
    name = settings().legacy_secret
    return secret(name, _SECRET_SECONDS).encode() if name else None


@cache
def strangler_here() -> Strangler:
    """The strangler of this deployment, made at the first event and kept as long as the container lives."""
    deployed = legacy_settings.base_url(settings().legacy_base_url)
    table = RunTimeSetting(
        lambda: parameter(settings().legacy_settings, TABLE_SECONDS),
        lambda text: legacy_settings.parse(text, deployed),
        LegacySettings(deployed),
        TABLE_SECONDS,
        SYSTEM,
    )
    ours = Face(here.admit, (routes.SHOP, here.shop))
    return Strangler(table, LegacyServer(), ours.answer, signing_secret, count, SYSTEM)


def answer(event: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The answer to a request, within the seconds that are left."""
    method, _, path = event["routeKey"].partition(" ")
    if method == "OPTIONS":
        return {"statusCode": 204, "headers": {"allow": ", ".join((*METHODS, "OPTIONS"))}, "body": ""}
    prefix = path.partition("/{")[0]
    try:
        caller = callers.of(event)
        if caller.kind is CallerKind.USER:
            try:
                here.admit(caller)
            except Unauthorized:
                return answers.unauthenticated()
        return strangler_here().answer(event, caller, prefix, seconds)
    except (DomainError, LegacyError, TableError) as error:
        if isinstance(error, TryAgain | TableError):
            logger.warning("%s cannot be answered", event["routeKey"], exc_info=error)
        return answers.failed(error)
    except Exception as error:
        logger.exception("%s failed", event["routeKey"])
        return answers.failed(error)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    try:
        return answer(event, context.get_remaining_time_in_millis() / 1000)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()

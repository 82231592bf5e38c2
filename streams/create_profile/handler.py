"""The user pool's post-confirmation trigger: whoever has confirmed a sign-up gets a profile.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html
"""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import users
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.settings import settings
from domain.table import Table, TableError, dynamodb
from domain.traces import current_trace_id

logger = function_logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make the profile, once. Cognito fires for a new password too, and may fire twice."""
    del context
    table = Table(settings().main_table, dynamodb())
    user_id = event["request"]["userAttributes"]["sub"]
    try:
        users.create_profile(table, user_id, event["userName"], SYSTEM.now_ms(), current_trace_id(os.environ))
    except TableError as error:
        # The user is confirmed already, and would only be told that it failed. `me` makes what is missing.
        logger.warning("No profile for %s yet", user_id, exc_info=error)
    return event

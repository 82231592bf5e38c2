"""What AWS takes for it: on-demand list prices in us-east-1, in dollars, without free tiers, as of 2026-11-21.

https://aws.amazon.com/appsync/pricing/ https://aws.amazon.com/dynamodb/pricing/on-demand/
https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/waf/pricing/ https://aws.amazon.com/kms/pricing/
https://aws.amazon.com/cognito/pricing/ https://aws.amazon.com/secrets-manager/pricing/
https://aws.amazon.com/cloudwatch/pricing/ https://aws.amazon.com/api-gateway/pricing/

The only place for prices: docs/operations.md repeats them, and a test compares. Those of Cognito, Secrets Manager,
CloudWatch and API Gateway are from AWS's price lists as known before that day, not looked up on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

APPSYNC_OPERATION = 4.00 / 1e6
APPSYNC_UPDATE = 2.00 / 1e6  # of 5 KB that one subscriber gets
UPDATE_BYTES = 5 * 1024
WRITE_UNIT = 0.625 / 1e6  # of 1 KB; two of them in a transaction
READ_UNIT = 0.125 / 1e6  # of 4 KB, strongly consistent
LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_SECOND = 0.0000166667

# What does not depend on bursts.
APPSYNC_CONNECTION_MINUTE = 0.08 / 1e6
TABLE_GB_MONTH = 0.25
TABLE_RECOVERY_GB_MONTH = 0.20
WEB_ACL_MONTH = 5.00
WEB_ACL_RULE_MONTH = 1.00
WEB_ACL_REQUEST = 0.60 / 1e6
KEY_MONTH = 1.00
KEY_REQUEST = 0.03 / 1e4
SECRET_MONTH = 0.40
SECRET_REQUEST = 0.05 / 1e4
COGNITO_USER_MONTH = 0.015  # Essentials, the default; each user who was active in the month, after the first 10,000
LOG_GB = 0.50
LOG_GB_MONTH = 0.03
METRIC_MONTH = 0.30
ALARM_MONTH = 0.10
HTTP_API_REQUEST = 1.00 / 1e6


@dataclass(frozen=True)
class Usage:
    """What is billed of one burst. `pushes` are the sizes, in bytes, of the frames that each subscriber gets."""

    requests: int
    pushes: list[int]
    subscribers: int
    write_units: int = 0
    read_units: int = 0
    invocations: int = 0
    gb_seconds: float = 0.0

    @property
    def updates(self) -> int:
        """Real-time updates, over all subscribers."""
        return self.subscribers * sum(-(-size // UPDATE_BYTES) for size in self.pushes)


@dataclass(frozen=True)
class Bill:
    """The items of a bill in dollars, by name."""

    items: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Their sum."""
        return sum(self.items.values())


def bill(usage: Usage) -> Bill:
    """What AWS takes for a usage."""
    return Bill(
        {
            "AppSync operations": usage.requests * APPSYNC_OPERATION,
            "AppSync real-time updates": usage.updates * APPSYNC_UPDATE,
            "DynamoDB, change log": usage.write_units * WRITE_UNIT + usage.read_units * READ_UNIT,
            "Lambda": usage.invocations * LAMBDA_REQUEST + usage.gb_seconds * LAMBDA_GB_SECOND,
        }
    )

"""The SDK's default session, made ahead of time: reading service descriptions is most of what `boto3.client` takes."""

from __future__ import annotations

import os

SERVICES = ("dynamodb", "events", "s3", "sns", "sqs", "ssm", "stepfunctions", "sts")

# A session reads these once. The fork server runs without them, and so does a worker, as a rule.
SESSION_VARIABLES = (
    "AWS_CONFIG_FILE", "AWS_DATA_PATH", "AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
)  # fmt: skip


def warm() -> None:
    """Set up `boto3`'s default session with the descriptions of common services, without credentials or region."""
    import boto3
    import botocore.session

    session = botocore.session.get_session()
    boto3.setup_default_session(botocore_session=session)
    loader = session.get_component("data_loader")
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data_with_path(name)
    loader.list_available_services("service-2")
    for service in SERVICES:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")


def keep_or_drop() -> None:
    """In a worker: leave the default session to be made anew where the function's environment would change it."""
    if any(os.environ.get(name, os.devnull) != os.devnull for name in SESSION_VARIABLES):
        import boto3

        boto3.DEFAULT_SESSION = None

"""DynamoDB's failures in AppSync's words: `DynamoDB:<class of the Java SDK>`, and the SDK's text around the message."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from local.appsync.datasources.interface import DataSourceError, rejected

# The error codes for which the Java SDK has a class of its own; everything else is a DynamoDbException.
_CLASSES = {
    **{
        code: code
        for code in (
            "ConditionalCheckFailedException",
            "IdempotentParameterMismatchException",
            "ItemCollectionSizeLimitExceededException",
            "ProvisionedThroughputExceededException",
            "ReplicatedWriteConflictException",
            "ResourceNotFoundException",
            "TransactionCanceledException",
            "TransactionConflictException",
            "TransactionInProgressException",
        )
    },
    "InternalServerError": "InternalServerErrorException",
    "RequestLimitExceeded": "RequestLimitExceededException",
}


def failure(error: Exception, data: Any = None) -> DataSourceError:
    """The data source error for what a boto3 call raised."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        metadata: dict[str, Any] = dict(error.response.get("ResponseMetadata", {}))
        kind = _CLASSES.get(details.get("Code", ""), "DynamoDbException")
        message = (
            f"{details.get('Message', '')} (Service: DynamoDb, Status Code: {metadata.get('HTTPStatusCode', 400)}, "
            f"Request ID: {metadata.get('RequestId', 'null')})"
        )
        return DataSourceError(message, f"DynamoDB:{kind}", data)
    if isinstance(error, ParamValidationError):
        # A member of the wrong type, which AppSync finds when it reads the request object.
        return rejected(str(error))
    assert isinstance(error, BotoCoreError)
    return DataSourceError(f"Unable to execute HTTP request: {error}", "DynamoDB:SdkClientException", data)


def is_conditional_check_failure(error: Exception) -> bool:
    """Whether a write was refused by its condition."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "ConditionalCheckFailedException"

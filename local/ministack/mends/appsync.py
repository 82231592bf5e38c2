"""AppSync resources: the stack keeps their properties, which `local.template` reads; MiniStack's AppSync is not used.

Here is what CloudFormation has to know of them: stable physical ids and the values of Ref and Fn::GetAtt, as in
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_AppSync.html.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

from local.ministack.mends.unknown_types import Provisioned

Properties = Mapping[str, Any]

DEFAULT_KEY_SECONDS = 7 * 86400
"""How long an API key lives that does not say when it expires."""

_ID_LENGTH = 26
_ID_ALPHABET = string.ascii_lowercase + string.digits


def _new_id() -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))


def _arn(path: str) -> str:
    return f"arn:aws:appsync:{get_region()}:{get_account_id()}:{path}"


def _last(physical_id: str) -> str:
    return physical_id.rpartition("/")[2]


def _api(api_id: str) -> Provisioned:
    domain = f"{get_region()}.amazonaws.com"
    http, realtime = f"{api_id}.appsync-api.{domain}", f"{api_id}.appsync-realtime-api.{domain}"
    return _arn(f"apis/{api_id}"), {
        "ApiId": api_id,
        "Arn": _arn(f"apis/{api_id}"),
        "GraphQLDns": http,
        "GraphQLEndpointArn": _arn(f"endpoints/graphql-api/{api_id}"),
        "GraphQLUrl": f"https://{http}/graphql",
        "RealtimeDns": realtime,
        "RealtimeUrl": f"wss://{realtime}/graphql",
    }


def _schema(properties: Properties) -> Provisioned:
    identifier = f"{properties['ApiId']}GraphQLSchema"
    return identifier, {"Id": identifier}


def _api_key(properties: Properties, key: str) -> Provisioned:
    arn = _arn(f"apis/{properties['ApiId']}/apikey/{key}")
    # Not an attribute of AWS's: `local.template` needs the time from which the default counts.
    expires = int(properties.get("Expires") or time.time() + DEFAULT_KEY_SECONDS)
    return arn, {"ApiKey": key, "ApiKeyId": key, "Arn": arn, "Expires": expires - expires % 3600}


def _data_source(properties: Properties) -> Provisioned:
    arn = _arn(f"apis/{properties['ApiId']}/datasources/{properties['Name']}")
    return arn, {"DataSourceArn": arn, "Name": properties["Name"]}


def _function(properties: Properties, function_id: str) -> Provisioned:
    arn = _arn(f"apis/{properties['ApiId']}/functions/{function_id}")
    return arn, {
        "DataSourceName": properties.get("DataSourceName", ""),
        "FunctionArn": arn,
        "FunctionId": function_id,
        "Name": properties.get("Name", ""),
    }


def _resolver(properties: Properties) -> Provisioned:
    type_name, field_name = properties["TypeName"], properties["FieldName"]
    arn = _arn(f"apis/{properties['ApiId']}/types/{type_name}/resolvers/{field_name}")
    return arn, {"FieldName": field_name, "ResolverArn": arn, "TypeName": type_name}


def _handler(
    first: Callable[[Properties], Provisioned], again: Callable[[str, Properties], Provisioned]
) -> dict[str, Any]:
    """Handlers that make a resource for the `first` time, and `again` under the physical id that it has."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        del stack_name
        try:
            return first(properties)
        except KeyError as missing:
            raise ValueError(f"{logical_id}: the required property {missing} is missing") from missing

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Provisioned:
        if old.get("ApiId") != new.get("ApiId"):
            return create(physical_id, new, stack_name)  # a replacement, as for every AppSync resource
        return again(physical_id, new)

    def delete(physical_id: str, properties: Properties) -> None:
        """The record in the stack was all there is."""

    return {"create": create, "update": update, "delete": delete}


def record_appsync_resources() -> None:
    """S3 locations of schemas and code are ignored, pipeline functions are not stored, API keys are 8 hex digits.

    Also, Ref gives the API's id instead of its ARN, and GetAtt knows no RealtimeUrl.
    """
    prefix = "AWS::AppSync::"
    provisioners._RESOURCE_HANDLERS |= {
        prefix + "GraphQLApi": _handler(lambda _: _api(_new_id()), lambda arn, _: _api(_last(arn))),
        prefix + "GraphQLSchema": _handler(_schema, lambda _, new: _schema(new)),
        prefix + "ApiKey": _handler(
            lambda properties: _api_key(properties, f"da2-{_new_id()}"), lambda arn, new: _api_key(new, _last(arn))
        ),
        prefix + "DataSource": _handler(_data_source, lambda _, new: _data_source(new)),
        prefix + "FunctionConfiguration": _handler(
            lambda properties: _function(properties, _new_id()), lambda arn, new: _function(new, _last(arn))
        ),
        prefix + "Resolver": _handler(_resolver, lambda _, new: _resolver(new)),
    }

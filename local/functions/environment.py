"""A worker's environment: the function's variables and Lambda's own, nothing of this process.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from local.functions.configuration import Credentials, FunctionConfiguration

Rewrite = Mapping[str, str] | Callable[[str], str]
"""How a variable's value changes on this machine: exact replacements of substrings, or a function of the value."""


def build(
    configuration: FunctionConfiguration,
    credentials: Credentials | None,
    *,
    endpoint: str | None,
    runtime_directory: Path,
    rewrite: Rewrite | None = None,
) -> dict[str, str]:
    """The whole environment of a worker of this function."""
    today = dt.datetime.now(dt.UTC).strftime("%Y/%m/%d")
    layers = [str(layer) for layer in reversed(configuration.layers)]
    libraries = ["/lib64", "/usr/lib64", str(configuration.code), f"{configuration.code}/lib"]
    preset = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": os.pathsep.join([*(f"{layer}/bin" for layer in layers), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LD_LIBRARY_PATH": os.pathsep.join([*libraries, *(f"{layer}/lib" for layer in layers)]),
        "PYTHONPATH": str(runtime_directory),
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        # In Lambda there is no configuration file of a developer to be found either.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    if endpoint:
        preset["AWS_ENDPOINT_URL"] = endpoint
    reserved = {
        "AWS_REGION": configuration.region,
        "AWS_DEFAULT_REGION": configuration.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": configuration.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": configuration.log_group or f"/aws/lambda/{configuration.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{today}/[{configuration.version}]{secrets.token_hex(16)}",
        "AWS_LAMBDA_LOG_FORMAT": configuration.log_format,
        "LAMBDA_TASK_ROOT": str(configuration.code),
        "LAMBDA_RUNTIME_DIR": str(runtime_directory),
        "_HANDLER": configuration.handler,
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
    }
    if configuration.log_level:
        reserved["AWS_LAMBDA_LOG_LEVEL"] = configuration.log_level
    if credentials is not None:
        reserved["AWS_ACCESS_KEY_ID"] = credentials.access_key_id
        reserved["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key
        if credentials.session_token:
            reserved["AWS_SESSION_TOKEN"] = credentials.session_token
    return preset | rewritten(configuration.environment, rewrite) | reserved


def rewritten(variables: Mapping[str, str], rewrite: Rewrite | None) -> dict[str, str]:
    """The function's own variables as they are on this machine."""
    if rewrite is None:
        return dict(variables)
    if callable(rewrite):
        return {name: rewrite(value) for name, value in variables.items()}
    result = dict(variables)
    for deployed, local in rewrite.items():
        result = {name: value.replace(deployed, local) for name, value in result.items()}
    return result

"""What a function can see: imports, environment, processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.functions import environment
from tests.local.functions.conftest import Deployed, write

IMPORTS = """
import importlib
def handler(event, context):
    try:
        module = importlib.import_module(event)
    except ImportError:
        return None
    return getattr(module, "WHERE", "imported")
"""


async def test_the_runtimes_own_packages_can_be_imported(deployed: Deployed) -> None:
    deployed.deploy(IMPORTS)
    for module in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"):
        assert await deployed.call(module) == "imported", module


async def test_packages_of_this_environment_cannot(deployed: Deployed) -> None:
    deployed.deploy(IMPORTS)
    for module in ("local", "domain", "ministack", "samcli", "graphql", "orjson", "pytest", "aws_lambda_powertools"):
        assert await deployed.call(module) is None, module


async def test_the_version_of_boto3_can_be_asked_for(deployed: Deployed) -> None:
    deployed.deploy("import importlib.metadata\ndef handler(e, c): return importlib.metadata.version('boto3')")
    assert (await deployed.call())[0] == "1"


async def test_modules_come_from_the_code_then_the_last_layer_then_the_first(deployed: Deployed) -> None:
    first, last = deployed.root / "first", deployed.root / "last"
    write(first, {"python/one.py": "WHERE = 'first'", "python/two.py": "WHERE = 'first'"})
    write(last, {"python/two.py": "WHERE = 'last'", "python/three.py": "WHERE = 'last'"})
    deployed.deploy(IMPORTS, files={"three.py": "WHERE = 'code'"}, layers=(first, last))
    assert [await deployed.call(name) for name in ("one", "two", "three")] == ["first", "last", "code"]


async def test_code_that_brings_its_own_copy_of_a_shared_package_gets_it(deployed: Deployed) -> None:
    deployed.deploy(IMPORTS, files={"boto3/__init__.py": "WHERE = 'own'"})
    assert await deployed.call("boto3") == "own"


async def test_a_layer_that_brings_its_own_copy_of_a_shared_package_wins(deployed: Deployed) -> None:
    layer = deployed.root / "layer"
    write(layer, {"python/urllib3/__init__.py": "WHERE = 'layer'"})
    deployed.deploy(IMPORTS, layers=(layer,))
    assert await deployed.call("urllib3") == "layer"


async def test_the_environment_is_lambdas_and_the_functions_own(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_SECRET", "of the developer")
    monkeypatch.setenv("AWS_PROFILE", "of the developer")
    deployed.deploy(
        "import os\ndef handler(e, c): return dict(os.environ)", environment={"TABLE": "Main"}, memory_mb=256
    )
    got = await deployed.call(trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
    assert got["TABLE"] == "Main"
    assert (got["AWS_REGION"], got["AWS_DEFAULT_REGION"]) == ("eu-west-1", "eu-west-1")
    assert (got["AWS_LAMBDA_FUNCTION_NAME"], got["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) == ("greet", "256")
    assert (got["_HANDLER"], got["TZ"], got["AWS_EXECUTION_ENV"]) == ("index.handler", ":UTC", "AWS_Lambda_python3.11")
    assert got["_X_AMZN_TRACE_ID"] == "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
    assert Path(got["LAMBDA_TASK_ROOT"]).is_relative_to(deployed.root)
    assert not [name for name in got if name.startswith(("HEADWATER", "VIRTUAL_ENV", "HOME", "USER", "AWS_PROFILE"))]


async def test_a_function_may_bring_its_own_sdk_configuration(deployed: Deployed) -> None:
    code = "import boto3\ndef handler(e, c): return boto3.client('sts').meta.config.retries"
    files = {"sdk.ini": "[default]\nmax_attempts = 7\n"}
    deployed.deploy(code, files=files, environment={"AWS_CONFIG_FILE": "sdk.ini"})
    assert (await deployed.call())["total_max_attempts"] == 7


def test_an_url_of_aws_is_rewritten_in_any_variable() -> None:
    variables = {"URL": "https://abc.appsync-api.us-east-1.amazonaws.com/graphql", "OTHER": "kept"}
    rewrite = {"https://abc.appsync-api.us-east-1.amazonaws.com/graphql": "http://127.0.0.1:4000/graphql"}

    def local(value: str) -> str:
        return rewrite.get(value, value)

    expected = {"URL": "http://127.0.0.1:4000/graphql", "OTHER": "kept"}
    assert environment.rewritten(variables, rewrite) == expected
    assert environment.rewritten(variables, local) == expected


async def test_workers_do_not_write_into_source_folders(deployed: Deployed) -> None:
    source = deployed.root / "source"
    write(source, {"index.py": "import beside\ndef handler(e, c): return beside.NAME", "beside.py": "NAME = 'live'"})
    deployed.deploy("raise SystemExit('the deployed code ran')")
    deployed.functions.sources = {"greet": [source]}
    assert await deployed.call() == "live"
    assert sorted(path.name for path in source.rglob("*")) == ["beside.py", "index.py"]


async def test_nothing_of_ours_stays_on_the_path(deployed: Deployed) -> None:
    deployed.deploy("import sys\ndef handler(e, c): return sys.path")
    path = await deployed.call()
    assert not [entry for entry in path if "site-packages" in entry or "local/functions" in entry]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_workers_have_no_descriptors_of_others(deployed: Deployed) -> None:
    code = """
    import os
    def handler(event, context):
        names = os.listdir("/proc/self/fd")
        return [os.readlink(f"/proc/self/fd/{name}") for name in names if os.path.islink(f"/proc/self/fd/{name}")]
    """
    deployed.deploy(code)
    links = await deployed.call()
    assert sum(link.startswith("socket:") for link in links) == 1
    assert sum(link.startswith("pipe:") for link in links) == 2  # stdout and stderr

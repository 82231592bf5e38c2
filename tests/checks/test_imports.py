"""The dependency rule on small made-up modules: each arrow that must not exist, and its allowed twin."""

import pytest

from checks.imports import problems_in
from checks.project import ROOT

NAMES = {
    "domain": "backend",
    "backend": "backend",
    "resolvers": "resolvers",
    "streams": "streams",
    "local": "local",
    "headwater": "client",
    "client": "client",
    "tests": "tests",
    "checks": "checks",
}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("resolvers/chat/handler.py", "from domain import chat"),
        ("streams/publish/handler.py", "import domain.changes"),
        ("backend/domain/chat.py", "from domain import table"),
        ("backend/domain/chat.py", "from . import table"),
        ("backend/domain/table.py", "import boto3"),
        ("local/appsync/engine.py", "from local.appsync import schema"),
        ("local/cloud.py", "import boto3"),
        ("client/headwater/live.py", "from headwater import errors"),
        ("tests/contract/test_frames.py", "import gql\nfrom tests.contract import endpoint"),
        ("tests/local/test_cloud.py", "from local import cloud"),
    ],
)
def test_an_allowed_import_is_no_problem(path: str, source: str) -> None:
    assert problems_in(path, source, NAMES) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("backend/domain/chat.py", "from resolvers.chat import handler"),
        ("backend/domain/chat.py", "import local.cloud"),
        ("resolvers/chat/handler.py", "from streams.publish import handler"),
        ("resolvers/chat/handler.py", "from resolvers.shop import handler"),
        ("resolvers/chat/handler.py", "import local"),
        ("local/functions/worker.py", "def work():\n    from domain import chat"),
        ("local/seed.py", "from headwater import connect"),
        ("client/headwater/live.py", "from domain import changes"),
        ("tests/contract/test_frames.py", "from local.appsync import engine"),
        ("tests/contract/test_frames.py", "from tests.local import servers"),
        ("tests/contract/test_frames.py", "from tests.event_sources import target"),
        ("tests/event_sources/test_sqs.py", "from tests.contract import endpoint"),
        ("local/runner.py", "from tests import conftest"),
        ("backend/domain/chat.py", "import boto3"),
        ("resolvers/chat/handler.py", "from botocore.exceptions import ClientError"),
    ],
)
def test_an_arrow_that_points_up_is_named_with_its_line(path: str, source: str) -> None:
    (problem,) = problems_in(path, source, NAMES)
    assert problem.startswith(f"{path}:")


@pytest.mark.parametrize(
    "source",
    [
        "import os\nTABLE = os.environ['TABLE']",
        "import os\ndef f(table=os.getenv('TABLE')): ...",
        "import os\nclass Settings:\n    table = os.environ.get('TABLE')",
        "from os import getenv\nTABLE = getenv('TABLE')",
    ],
)
def test_reading_the_environment_at_import_is_a_problem(source: str) -> None:
    (problem,) = problems_in("backend/domain/settings.py", source, NAMES)
    assert "reads the environment at import" in problem


def test_reading_the_environment_in_a_function_is_fine() -> None:
    source = "import os\ndef table() -> str:\n    return os.environ['TABLE']"
    assert problems_in("backend/domain/settings.py", source, NAMES) == []


def test_the_project_itself_is_read() -> None:
    """The check must not pass because it looks at nothing."""
    from checks.imports import own_names
    from checks.project import committed_files

    files = [path.relative_to(ROOT).as_posix() for path in committed_files(ROOT)]
    assert own_names(files)["local"] == "local"
    assert "checks/imports.py" in files

"""The project's templates as they are written and as the SAM transform leaves them."""

import pytest

from checks.cloudformation import Resource, resources, transformed_resources
from checks.project import ROOT


@pytest.fixture(scope="session")
def written() -> list[Resource]:
    """Every resource of every template."""
    return resources(ROOT)


@pytest.fixture(scope="session")
def transformed() -> list[Resource]:
    """Every resource that CloudFormation creates, parameters at their defaults."""
    return transformed_resources(ROOT)

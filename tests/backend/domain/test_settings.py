import pytest

from domain.settings import MissingSetting, Settings
from domain.traces import current_trace_id


def test_settings_are_those_of_the_environment() -> None:
    here = Settings({"MAIN_TABLE": "main", "RETENTION_HOURS": "1.5", "AWS_REGION": "eu-west-1"})
    assert (here.main_table, here.retention_seconds, here.region) == ("main", 5400, "eu-west-1")


@pytest.mark.parametrize("environment", [{}, {"GRAPHQL_URL": ""}])
def test_a_missing_setting_says_where_it_belongs(environment: dict[str, str]) -> None:
    with pytest.raises(MissingSetting, match=r"GRAPHQL_URL is not set.*template"):
        _ = Settings(environment).graphql_url


def test_the_trace_is_that_of_lambdas_header() -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1"
    assert current_trace_id({"_X_AMZN_TRACE_ID": header}) == "1-5759e988-bd862e3fe1be46a994272793"
    assert current_trace_id({}) is None

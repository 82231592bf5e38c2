"""The check of the environment: what makes it differ from the lock."""

from checks.environment import differences, pinned

LOCK = """# inputs: sha256 0
colorama==0.4.6 ; sys_platform == 'win32'
gql==4.0.0
    # via headwater
types-PyYAML==6.0.12 ; python_version >= '3.11'
"""


def test_only_the_pins_of_this_platform_are_wanted() -> None:
    assert pinned(LOCK) == {"gql": "4.0.0", "types-pyyaml": "6.0.12"}


def test_an_environment_as_locked_differs_in_nothing() -> None:
    assert differences(pinned(LOCK), {"gql": "4.0.0", "types-pyyaml": "6.0.12", "pip": "26", "headwater": "0"}) == []


def test_a_package_installed_by_hand_a_missing_one_and_another_version_are_named() -> None:
    found = differences(pinned(LOCK), {"gql": "4.1.0", "greenlet": "3"})
    assert [line.split()[0] for line in found] == ["gql", "greenlet", "types-pyyaml==6.0.12"]

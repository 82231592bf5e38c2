"""What of the stacks has nothing behind it on a laptop is said in `docs/not-on-aws.md`."""

from ministack.services.cloudformation import provisioners

from checks.cloudformation import Resource
from checks.project import ROOT


def test_every_recorded_no_op_is_named_in_the_document(transformed: list[Resource]) -> None:
    # `in` would ask the mend that accepts every type, if another test has applied it.
    known = dict.keys(provisioners._RESOURCE_HANDLERS)
    recorded_only = {resource.type for resource in transformed} - known
    document = (ROOT / "docs/not-on-aws.md").read_text()
    assert {each for each in recorded_only if f"`{each}`" not in document} == set()

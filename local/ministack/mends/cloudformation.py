"""CloudFormation: nested stacks as AWS deploys, updates and deletes them."""

from __future__ import annotations

import contextvars
import re
from typing import Any

from ministack.core.responses import get_region
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, handlers, provisioners, stacks

_STACK_TYPE = "AWS::CloudFormation::Stack"


def transform_nested_templates() -> None:
    """A nested template with `Transform: AWS::Serverless-2016-10-31` fails: "Unsupported resource type".

    The capabilities check is the one step of a nested deployment that is given the template as it was read.
    """
    check = provisioners._check_nested_stack_capabilities

    def check_and_transform(parent_stack_name: str, template: dict[str, Any]) -> None:
        check(parent_stack_name, template)
        transformed = engine._apply_transforms(template)
        engine.validate_template_support(transformed, {})
        processed = dict(transformed)  # which is the template itself when it declares no transform
        template.clear()
        template.update(processed)

    provisioners._check_nested_stack_capabilities = check_and_transform


def keep_attributes_of_unchanged_resources() -> None:
    """An update of a nested stack fails: "Requested attribute Arn does not exist in schema for AWS::IAM::Role".

    The nested update does not say what attributes a resource had, so that an unchanged one loses them all.
    """
    update_resource = provisioners._update_resource

    def update(
        resource_type: str,
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
        old_attrs: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        if old_attrs is None:
            records = (cloudformation._stacks.get(stack_name) or {}).get("_resources") or {}
            old_attrs = (records.get(logical_id) or {}).get("Attributes")
        updated: tuple[str, dict[str, Any]] = update_resource(
            resource_type, physical_id, old, new, stack_name, logical_id, old_attrs
        )
        return updated

    provisioners._update_resource = stacks._update_resource = update


def _policy(stack: dict[str, Any], logical_id: str) -> str:
    template = stack.get("_template") or {}
    policy: str = stacks._resource_policy(
        (template.get("Resources") or {}).get(logical_id),
        "DeletionPolicy",
        stack["_resources"],
        stack.get("_resolved_params", {}),
        stack.get("_conditions", {}),
        template.get("Mappings", {}),
        stack["StackName"],
        stack["StackId"],
    )
    return policy


def _deletion_order(stack: dict[str, Any]) -> list[str]:
    resources = stack["_resources"]
    definitions = (stack.get("_template") or {}).get("Resources") or {}
    try:
        ordered = list(engine._topological_sort(definitions, stack.get("_conditions", {})))
    except ValueError:
        ordered = []
    # What the template does not declare any more has no dependents left, and goes first.
    known = [name for name in ordered if name in resources]
    return [*(name for name in resources if name not in known), *reversed(known)]


def _delete_stack_resources(stack: dict[str, Any]) -> None:
    """Delete what a nested stack holds and may not keep. Raises ValueError naming what could not be deleted."""
    name, identifier, resources = stack["StackName"], stack["StackId"], stack["_resources"]
    failures = []
    for logical_id in _deletion_order(stack):
        record = resources[logical_id]
        kind, physical_id = record.get("ResourceType", ""), record.get("PhysicalResourceId", "")

        def event(status: str, reason: str = "", what: tuple[str, str, str] = (logical_id, kind, physical_id)) -> None:
            stacks._add_event(identifier, name, what[0], what[1], status, reason, what[2])

        policy = _policy(stack, logical_id)
        if policy in provisioners._RETAINING_POLICIES:
            event("DELETE_SKIPPED")
            del resources[logical_id]
            continue
        event("DELETE_IN_PROGRESS")
        try:
            if policy == "Snapshot":
                provisioners._snapshot_resource(kind, physical_id, record.get("Properties", {}))
            provisioners._delete_resource(kind, physical_id, record.get("Properties", {}), name, logical_id)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is this resource's failure
            event("DELETE_FAILED", str(error))
            record |= {"ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": str(error)}
            failures.append(f"{logical_id} ({error})")
            continue
        event("DELETE_COMPLETE")
        del resources[logical_id]
    if failures:
        raise ValueError(f"The following resource(s) failed to delete: {', '.join(failures)}")


def _set_status(stack: dict[str, Any], status: str, reason: str = "") -> None:
    stack |= {"StackStatus": status, "StackStatusReason": reason}
    stacks._add_event(stack["StackId"], stack["StackName"], stack["StackName"], _STACK_TYPE, status, reason)


def _delete_nested_stack(physical_id: str, properties: dict[str, Any]) -> None:
    del properties
    stack = cloudformation._stacks.get(provisioners._nested_stack_lookup_name(physical_id))
    if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
        return
    _set_status(stack, "DELETE_IN_PROGRESS")
    try:
        _delete_stack_resources(stack)
    except ValueError as error:
        _set_status(stack, "DELETE_FAILED", str(error))
        raise
    for output in stack.get("Outputs", []):
        cloudformation._exports.pop(output.get("ExportName"), None)
    _set_status(stack, "DELETE_COMPLETE")


def keep_retained_resources_of_nested_stacks() -> None:
    """Deleting a stack deletes the tables of its nested stacks that say `DeletionPolicy: Retain`."""
    provisioners._cfn_nested_stack_delete = _delete_nested_stack
    provisioners._RESOURCE_HANDLERS[_STACK_TYPE]["delete"] = _delete_nested_stack


def remove_nested_stacks_that_failed_to_create() -> None:
    """A nested stack whose creation failed stays behind with what it had created, out of the reach of any deletion."""
    deploy = provisioners._cfn_nested_stack_deploy

    def deploy_or_remove(logical_id: str, properties: dict[str, Any], parent: str, **previous: Any) -> Any:
        before = set(cloudformation._stacks.keys())
        try:
            return deploy(logical_id, properties, parent, **previous)
        except Exception:
            for name in set(cloudformation._stacks.keys()) - before:
                stack = cloudformation._stacks[name]
                if stack.get("_parent_stack_name") == parent and name.startswith(f"{parent}-{logical_id}-"):
                    _delete_nested_stack(stack["StackId"], {})
            raise

    provisioners._cfn_nested_stack_deploy = deploy_or_remove


_resolving: contextvars.ContextVar[bool] = contextvars.ContextVar("resolving", default=False)
"""Whether the properties of a nested stack's resources are next, and not what is inside of them."""


def resolve_dynamic_references_of_nested_stacks() -> None:
    """A nested stack's `{{resolve:ssm:...}}` is taken as the value itself.

    As on AWS they are resolved after the intrinsic functions, in properties only. A secret is read again at each update
    of the stack that may change its resource; AWS waits until the resource's own definition changes.
    """
    deploy, resolve_refs = provisioners._cfn_nested_stack_deploy, engine._resolve_refs

    def deploy_resolving(logical_id: str, properties: dict[str, Any], parent: str, **previous: Any) -> Any:
        token = _resolving.set(True)
        try:
            return deploy(logical_id, properties, parent, **previous)
        finally:
            _resolving.reset(token)

    def resolve(value: Any, *scope: Any) -> Any:
        if not _resolving.get():
            return resolve_refs(value, *scope)
        token = _resolving.set(False)  # it calls itself for what is inside
        try:
            resolved = resolve_refs(value, *scope)
        finally:
            _resolving.reset(token)
        # Properties are a mapping and stay one; the value of an output does not.
        return engine._resolve_dynamic_references(resolved)[0] if isinstance(resolved, dict) else resolved

    provisioners._cfn_nested_stack_deploy, engine._resolve_refs = deploy_resolving, resolve


# `TemplateURL: http://127.0.0.1:4566/bucket/key`, as YAML or as JSON, in an XML answer.
_LOCAL_TEMPLATE_URL = re.compile(
    rb"""((?:TemplateURL|Location)(?:"|&quot;)?\s*:\s*(?:"|'|&quot;)?)http://[^/\s]+:\d+/"""
)


def answer_templates_with_s3_urls() -> None:
    """`sam delete` of a stack with a nested stack ends in a ValueError: it wants the nested template's URL to be S3's.

    `sam deploy` made that URL from the endpoint it spoke to. CloudFormation here takes either.
    """
    get_template = handlers._ACTION_HANDLERS["GetTemplate"]

    def get_with_s3_urls(request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = get_template(request)
        content = body.encode() if isinstance(body, str) else body
        s3 = f"https://s3.{get_region()}.amazonaws.com/".encode()
        return status, headers, _LOCAL_TEMPLATE_URL.sub(rb"\g<1>" + s3, content)

    handlers._ACTION_HANDLERS["GetTemplate"] = get_with_s3_urls

"""The resource budget: no stack comes near CloudFormation's 500 resources, counted after the SAM transform."""

from collections import Counter
from pathlib import Path

from checks.cloudformation import transformed_resources
from checks.project import report

BUDGET = 350


def problems(root: Path) -> list[str]:
    counts = Counter(resource.template for resource in transformed_resources(root))
    if not counts:
        return ["no template has a resource"]
    return [
        f"{template}: {count} resources after the SAM transform, the budget is {BUDGET}: split the stack"
        for template, count in counts.items()
        if count > BUDGET
    ]


if __name__ == "__main__":
    report(problems)

"""What a function can import: `sys.path` as in Lambda, and the runtime directory that stands for `/var/runtime`."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

# What Lambda's Python runtimes offer beside the standard library: the SDK, and the runtime client with its own needs.
RUNTIME_DISTRIBUTIONS = {
    "boto3": ("boto3",),
    "botocore": ("botocore",),
    "s3transfer": ("s3transfer",),
    "jmespath": ("jmespath",),
    "python-dateutil": ("dateutil",),
    "six": ("six",),
    "urllib3": ("urllib3",),
    "awslambdaric": ("awslambdaric",),
    "simplejson": ("simplejson",),
    "snapshot-restore-py": ("snapshot_restore_py",),
}

# Imported by the fork server, so that no worker waits for them. None of these reads the environment when imported.
PRELOADED_FROM_RUNTIME = (
    "simplejson", "boto3", "boto3.session", "boto3.dynamodb.conditions", "boto3.dynamodb.transform",
    "boto3.dynamodb.types", "boto3.resources.factory", "boto3.s3.inject", "botocore.auth", "botocore.client",
    "botocore.config", "botocore.configprovider", "botocore.credentials", "botocore.endpoint",
    "botocore.endpoint_provider", "botocore.handlers", "botocore.httpsession", "botocore.parsers",
    "botocore.regions", "botocore.retries.standard", "botocore.serialize", "botocore.session", "botocore.signers",
    "botocore.waiter", "urllib3",
)  # fmt: skip
PRELOADED_FROM_LAYERS = (
    "aws_lambda_powertools", "aws_lambda_powertools.logging", "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.batch", "aws_lambda_powertools.utilities.parameters",
    "aws_lambda_powertools.utilities.typing", "typing_extensions",
)  # fmt: skip
PRELOADED_STANDARD_LIBRARY = (
    "asyncio", "base64", "concurrent.futures", "csv", "dataclasses", "datetime", "decimal", "email.message", "enum",
    "gzip", "hashlib", "hmac", "http.client", "json", "logging.config", "random", "secrets", "ssl", "statistics",
    "traceback", "typing", "unicodedata", "urllib.request", "uuid", "zipfile", "zoneinfo",
)  # fmt: skip


def runtime_directory(root: Path) -> Path:
    """Links to the runtime's packages in this environment, in a folder of their own under `root`.

    Raises:
        FileNotFoundError: one of them is not installed.
    """
    links: dict[str, Path] = {}
    for distribution, modules in RUNTIME_DISTRIBUTIONS.items():
        for module in modules:
            spec = importlib.util.find_spec(module)
            if spec is None or spec.origin is None:
                raise FileNotFoundError(f"{module} is not installed; `make install` sets up the environment")
            origin = Path(spec.origin)
            target = origin.parent if origin.name == "__init__.py" else origin
            links[target.name] = target
        metadata = importlib.metadata.distribution(distribution)
        for entry in {file.parts[0] for file in metadata.files or () if file.parts[0].endswith(".dist-info")}:
            links[entry] = Path(str(metadata.locate_file(entry)))
    key = hashlib.sha256(repr(sorted(links.items())).encode()).hexdigest()[:16]
    folder = root / f"python{sys.version_info.major}.{sys.version_info.minor}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in links.items():
        link = folder / name
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    return folder


def layer_paths(layers: Sequence[Path]) -> list[str]:
    """Import folders of layers. In Lambda they are unpacked over each other, so a later layer's modules win."""
    versioned = f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    folders = [layer / part for part in (versioned, "python") for layer in reversed(layers)]
    return [str(folder) for folder in folders if folder.is_dir()]


def shadows_preloaded(folders: Sequence[Path]) -> bool:
    """Whether code brings its own copy of something that the fork server would import from elsewhere."""
    preloaded = (*PRELOADED_FROM_RUNTIME, *PRELOADED_FROM_LAYERS, *PRELOADED_STANDARD_LIBRARY)
    names = {name.partition(".")[0] for name in preloaded}
    return any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for folder in folders for name in names)

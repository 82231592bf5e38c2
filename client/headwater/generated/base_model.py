# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from headwater.wire import Model as BaseModel

__all__ = ["BaseModel"]

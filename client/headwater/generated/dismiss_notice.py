# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel


class DismissNotice(BaseModel):
    dismiss_notice: DismissNoticeDismissNotice | None = Field(default=None)


class DismissNoticeDismissNotice(BaseModel):
    id: str
    topic: str

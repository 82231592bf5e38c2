"""APPSYNC_JS: resolver code in JavaScript, with the language limits and the built-in modules of AWS's runtime."""

from __future__ import annotations

from local.appsync.javascript.engine import Code, JavaScript
from local.appsync.javascript.errors import CodeError
from local.appsync.javascript.outcome import EarlyReturn, HandlerError, Invalidation, Outcome

__all__ = ["Code", "CodeError", "EarlyReturn", "HandlerError", "Invalidation", "JavaScript", "Outcome"]

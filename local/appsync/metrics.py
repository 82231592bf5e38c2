"""Counters of one engine: what it did, for tests, logs and the console. No clock, no state shared between engines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Metrics:
    """Counts since the engine was made."""

    operations: int = 0
    documents_validated: int = 0
    plans_compiled: int = 0
    resolver_invocations: int = 0
    published_events: int = 0  # mutation results that reached at least one subscriber
    encodings: int = 0  # payloads encoded for subscribers: one per distinct selection and event
    deliveries: int = 0
    filter_evaluations: int = 0  # subscriptions whose filter had to be evaluated one by one
    oversized_payloads: int = 0  # dropped: over 240 KB

"""Event source mappings: what Lambda's pollers do. DynamoDB streams; other sources are named and refused."""

from local.event_sources.event_sources import EventSources

__all__ = ["EventSources"]

"""Event source mappings: what Lambda's pollers do for DynamoDB streams, Kinesis data streams and SQS queues.

`docs/event-sources.md` lists what of them is emulated, with a source for each rule.
"""

from local.event_sources.event_sources import EventSources

__all__ = ["EventSources"]

"""Why was I not notified? `python -m local explain TOPIC` follows a topic's last changes from the write to each client.

In the instance's process: `invocations.py` remembers what the event source mappings had invoked, `routes.py` answers on
the control socket. In the command's: `sources.py` asks everyone who knows something, `ways.py` joins their answers,
`page.py` shows them. It takes three things from the deployment and knows nothing else of it: the outputs
PublishFunctionName and PublishMappingId, and the function's operation `changes.explain`.
"""

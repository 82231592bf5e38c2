"""`make demo CHAT=PATH`: a chat log replayed to live subscribers, and a verdict on what each of them got.

`instance` starts a fresh instance, `subscribers` listens through the Python client in processes of its own, `replay`
sends, `verdict` judges, `table` prints.
"""

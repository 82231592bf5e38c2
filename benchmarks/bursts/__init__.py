"""A burst of changes, through the publisher and one by one: what `benchmarks/burst.py` measures."""

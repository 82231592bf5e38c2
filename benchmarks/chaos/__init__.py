"""`python -m benchmarks.chaos --seed N --seconds S`: nothing is lost, doubled or reordered while everything breaks.

`checker` is a program of its own that knows nothing of the project; the rest makes the files that it judges.
"""

"""Data planes that benchmarks compare: each serves Headwater's own subscription in a process of its own."""

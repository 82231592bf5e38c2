"""MiniStack as a child process: the AWS around the local AppSync, with what it needs mended.

`python -m local.ministack` starts it; `local.cloud` is the other side.
"""

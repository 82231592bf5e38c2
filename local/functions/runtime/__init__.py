"""What runs in the function processes: the fork server and the worker around AWS's own runtime client.

These modules are loaded in an isolated interpreter without `local` on its path: they import the standard library, each
other (relatively) and, in workers, `awslambdaric` from the runtime directory.
"""

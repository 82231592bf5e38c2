"""Entry of the fork server: `python -I -S __main__.py <control descriptor>`.

The frames of the server are left before the worker runs, so that `sys.exit` in a function ends its process as it does
in Lambda, with its exit handlers.
"""

from __future__ import annotations

import importlib
import importlib.util
import pathlib
import sys

PACKAGE = "_lambda_sandbox"


def main() -> None:
    """Serve forks; in a fork, be the worker."""
    folder = pathlib.Path(__file__).parent
    init = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(PACKAGE, init, submodule_search_locations=[str(folder)])
    assert spec is not None
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    fork_server = importlib.import_module(f"{PACKAGE}.fork_server")
    worker = importlib.import_module(f"{PACKAGE}.worker")
    # A script's folder comes first on sys.path even though nothing in it is for functions.
    sys.path[:] = [entry for entry in sys.path if entry != str(folder)]
    task = fork_server.serve(int(sys.argv[1]))
    if task is not None:
        worker.run(task)


main()

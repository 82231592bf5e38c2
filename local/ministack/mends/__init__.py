"""What MiniStack 1.5.33 needs to carry Headwater, one named function for each mend.

Each function's docstring begins with the symptom that it removes. `tests/local/ministack/` holds a contract test for
each and checks that unmended MiniStack still has the symptom: a test that fails there says that the mend can go.
"""

from __future__ import annotations

from collections.abc import Callable

from local.ministack.mends import lambda_functions, serving

MENDS: tuple[Callable[[], None], ...] = (
    serving.keep_process_file_out_of_tmp,
    serving.stop_quickly,
    lambda_functions.forward_invocations,
    lambda_functions.forward_websocket_routes,
    lambda_functions.turn_event_source_pollers_off,
    serving.save_in_background,
    serving.announce_changes,
    serving.serve_endpoints,
)


def apply() -> None:
    """Apply every mend, in order. Call once, after MiniStack's environment is set and before its `main`."""
    for mend in MENDS:
        mend()

"""What callers are told when the legacy system cannot be asked, or did not answer as it must."""


class LegacyError(Exception):
    """An answer of the strangler itself. `status` is HTTP's, `type` tells it apart (docs/rest.md lists them all)."""

    def __init__(self, status: int, type: str, message: str) -> None:  # noqa: A002 - the answer's member
        super().__init__(message)
        self.status = status
        self.type = type
        self.message = message


def not_configured() -> LegacyError:
    """There is no legacy system, or its address is not known."""
    return LegacyError(
        503,
        "LegacyNotConfigured",
        "There is no legacy system behind this route: deploy with LegacyBaseUrl, or set baseUrl in the parameter "
        "LegacySettings.",
    )


def unreachable(reason: str) -> LegacyError:
    """It could not be connected to, or what it said is no HTTP. The reason has no data of persons."""
    return LegacyError(502, "LegacyUnreachable", f"The legacy system gave no answer: {reason}.")


def too_large(most: int) -> LegacyError:
    """It said more than a function may answer."""
    return LegacyError(502, "LegacyTooLarge", f"The legacy system's answer is larger than {most} bytes allow.")


def too_slow(seconds: float) -> LegacyError:
    """It took longer than it may."""
    return LegacyError(504, "LegacyTimeout", f"The legacy system did not answer within {seconds:g} seconds.")

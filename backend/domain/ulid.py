"""ULIDs: ids that sort by time. 48 bits of epoch milliseconds, 80 random bits, in 26 letters of Crockford's base 32.

https://github.com/ulid/spec
"""

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


def encode(value: int) -> str:
    """A 128-bit number as a ULID."""
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def ascending(count: int, now_ms: int) -> list[str]:
    """`count` ULIDs of one millisecond, in ascending order.

    The random part counts up, as the specification says for ids of one millisecond. The highest random bit is left out,
    so that the count never overflows into the time.
    """
    first = secrets.randbits(_RANDOM_BITS - 1)
    return [encode((now_ms << _RANDOM_BITS) + first + offset) for offset in range(count)]

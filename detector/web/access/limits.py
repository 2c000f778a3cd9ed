"""How often something may happen, for each of many keys: token buckets. Pure."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

MOST_KEYS = 1024
"""Keys that are remembered; whoever has more addresses meets the limit for all."""


class Limit:
    """Allows `burst` at once and `per_s` over time, for each key and for all keys together.

    Parameters
    ----------
    each, total : both numbers, for one key and for all
    """

    def __init__(self, *, each: tuple[float, float], total: tuple[float, float]) -> None:
        self._each, self._total = each, total
        self._all = (total[1], 0.0)
        self._keys: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, key: str, now_s: float) -> bool:
        """Return whether this may happen once more now, and count it if so."""
        one = _filled(self._keys.get(key, (self._each[1], now_s)), self._each, now_s)
        every = _filled(self._all, self._total, now_s)
        allowed = one >= 1.0 and every >= 1.0
        self._keys[key] = (one - allowed, now_s)
        self._keys.move_to_end(key)
        self._all = (every - allowed, now_s)
        if len(self._keys) > MOST_KEYS:
            self._keys.popitem(last=False)
        return allowed


def _filled(bucket: tuple[float, float], limit: tuple[float, float], now_s: float) -> float:
    tokens, at_s = bucket
    return min(limit[1], tokens + max(0.0, now_s - at_s) * limit[0])


def network_of(address: str) -> str:
    """Return what of an address one household or device has: of IPv6 the first 64 bits."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)


def is_loopback(address: str) -> bool:
    """Return whether an address is this computer's own."""
    try:
        return ip_address(network_of(address)).is_loopback or address == "::1"
    except ValueError:
        return False

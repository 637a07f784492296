"""Which addresses of the internet protocol may be reached for somebody who only named them.

What is not plainly public is refused: this machine, its neighbours, its cloud's metadata, and whatever
wraps an address of theirs in another. The list is our own, because what Python calls global has changed
from one release to the next.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_NEVER: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # between a provider and its customers; metadata of Alibaba Cloud
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # public by its number, and the host below a machine of Azure
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # for protocols; metadata of Oracle
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
_NEVER_WITHIN: Final = tuple(
    ip_network(text)
    for text in (
        "2001::/23",  # for protocols, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 wraps an address of version 4
        "3fff::/20",  # documentation
    )
)
_TRANSLATED: Final = ip_network("64:ff9b::/96")
"""Where a translator puts the addresses of version 4, for machines that have none of it themselves."""


def is_public(text: str) -> bool:
    """Return whether an address, as a resolver gives it, is one of the public internet."""
    address = _read(text)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NEVER if isinstance(network, IPv4Network))
    if address is None:
        return False
    if address in _TRANSLATED:
        return is_public(str(IPv4Address(int(address) & 0xFFFF_FFFF)))
    within = (network for network in _NEVER_WITHIN if isinstance(network, IPv6Network))
    return address in _GLOBAL_UNICAST and not any(address in network for network in within)


def is_loopback(text: str) -> bool:
    """Return whether an address is this machine's own, 127.0.0.0/8 or ::1."""
    address = _read(text)
    return address is not None and address.is_loopback


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, one of version 4 unwrapped; None for what is none, or is bound to an interface."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address

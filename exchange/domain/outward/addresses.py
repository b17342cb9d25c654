"""Addresses that a doorbell may never be rung at: every range that is not public.

A deny table of our own, from the special-purpose registries of IANA (RFC 6890 and its updates): a
library's idea of "global" changes with its releases. An IPv6 address that carries an IPv4 address
(mapped, compatible, NAT64, 6to4, Teredo, ISATAP) leads to that one, and is refused as a whole.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

_DENIED_4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared, behind carriers' NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link local, and the clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_ALLOWED_6 = ip_network("2000::/3")  # global unicast; whatever lies outside is not public
_DENIED_6 = tuple(
    ip_network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}  # upper half of the interface identifier


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address lies on the public network, and nowhere else."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _DENIED_4)
    if address.scope_id is not None or address not in _ALLOWED_6:
        return False  # `::ffff:0:0/96`, `64:ff9b::/96`, `64:ff9b:1::/48` and loopback lie outside.
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return False
    return not any(address in network for network in _DENIED_6)

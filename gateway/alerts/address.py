"""Where a message may go: an address that everybody could reach, or one that the operator allowed.

A subscriber chooses the address and the gateway knocks there from inside: without this it could be made to knock on the
doors of its own network (server-side request forgery). The name is looked up once, and what was judged is what is
connected to.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.alerts.errors import AddressRefused

MAX_ADDRESS: Final = 500
_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator allows beside what everybody can reach: names of hosts, and networks. `plain`: http too."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    plain: bool = False

    @classmethod
    def parse(cls, text: str, *, plain: bool) -> Allowed:
        """From names and networks with commas between. Raises ValueError for a network that is none."""
        parts = [part.strip() for part in text.split(",") if part.strip()]
        networks = tuple(ipaddress.ip_network(part) for part in parts if "/" in part)
        return cls(frozenset(part.lower() for part in parts if "/" not in part), networks, plain)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: `url` names the looked-up address, `host` is who must answer there."""

    url: str
    host: str
    name: str


def check_form(address: str, allowed: Allowed) -> None:
    """Judge an address by its form alone, before it is kept.

    Raises:
        AddressRefused: no https, with a password in it, or none.
    """
    if not address.isascii() or not address.isprintable() or " " in address or len(address) > MAX_ADDRESS:
        raise AddressRefused(f"An address is at most {MAX_ADDRESS} printable ASCII characters.")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is no URL.") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allowed.plain):
        raise AddressRefused("Alerts are sent over https.")
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise AddressRefused("An address has a host, and neither name, password nor fragment in it.")


def resolve(address: str, allowed: Allowed) -> Target:
    """Look the host up and judge every address it has. Blocks.

    Raises:
        AddressRefused: the host is not known, or one of its addresses is for the inside only.
    """
    check_form(address, allowed)
    parts = urlsplit(address)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise AddressRefused("The host is not known.") from None
    addresses: list[_Ip] = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(_may_be_reached(ip, host, allowed) for ip in addresses):
        raise AddressRefused(
            "The host is on the inside of a network. The operator can allow it (CORRIDOR_ALERT_HOSTS)."
        )
    first = addresses[0]
    where = f"[{first}]" if first.version == 6 else str(first)
    path = parts.path or "/"
    url = f"{parts.scheme}://{where}:{port}{path}{'?' + parts.query if parts.query else ''}"
    return Target(url, parts.netloc, host)


def _may_be_reached(ip: _Ip, host: str, allowed: Allowed) -> bool:
    judged: _Ip = ip
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.sixtofour is not None or ip.teredo is not None or ip in _NAT64:
            return False  # these lead to an IPv4 address that nobody judged
        judged = ip.ipv4_mapped or ip
    if allowed.plain and judged.is_loopback:
        return True  # a development gateway, on this machine alone
    if host.lower() in allowed.hosts or any(judged in network for network in allowed.networks):
        return True
    return judged.is_global and not judged.is_multicast

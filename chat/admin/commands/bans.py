"""Commands that ban addresses: worker thread."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict
from typing import Any

from chat.admin.audit import write_audited
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.limits.networks import IPNetwork
from chat.storage import Transaction
from chat.storage.tables import AddressBanModel

WIDEST = {4: 8, 6: 16}
"""The shortest prefix, by version. A wider network is a typing mistake."""


def ban_address(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Refuse connections from a network and close those it has, at all servers.

    Arguments: network; seconds (0: for ever); reason.
    """
    network, reason = _network(request), request.text("reason", "")
    seconds = request.number("seconds", 0)
    if network.prefixlen < WIDEST[network.version]:
        raise AdminError(f"{network}: is too wide; ban a /{WIDEST[network.version]} or narrower")
    if network.is_loopback:
        raise AdminError(f"{network}: programs of this machine use it; it cannot be banned")
    now = ctx.clock.unix()
    expires = now + seconds if seconds else 0

    def ban(tx: Transaction) -> None:
        AddressBanModel(tx).delete_expired(now)
        AddressBanModel(tx).set(str(network), expires, reason)

    span = f"for {seconds} s" if seconds else "for ever"
    detail = f"{span}: {reason}" if reason else span
    write_audited(ctx, request, ban, str(network), detail)
    ctx.ban_list.read()
    return {"network": str(network), "expires": expires}


def unban_address(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """End the ban of a network. Argument: network."""
    network = str(_network(request))

    def unban(tx: Transaction) -> None:
        if not AddressBanModel(tx).delete(network):
            raise AdminError(f"no ban of {network}; list them with: chatctl bans")

    write_audited(ctx, request, unban, network)
    ctx.ban_list.read()
    return {"network": network}


def list_bans(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """The bans that have not expired."""
    now = ctx.clock.unix()
    bans = ctx.database.read(lambda tx: AddressBanModel(tx).active(now))
    return {"bans": [asdict(ban) for ban in bans]}


def _network(request: AdminRequest) -> IPNetwork:
    """The argument ``network``; an IPv4 network that is written as IPv6 is IPv4."""
    text = request.text("network")
    try:
        network = ipaddress.ip_network(text)
    except ValueError as exc:
        raise AdminError(f"{exc}; write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/64") from exc
    if isinstance(network, ipaddress.IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            return ipaddress.IPv4Network((int(mapped), network.prefixlen - 96))
    return network

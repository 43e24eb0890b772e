"""HTTP proxies of the environment: none of them is asked for this machine itself.

gRPC and libcurl take a proxy from the environment for every host but those in ``no_proxy``, the
loopback addresses not excepted. A company's proxy answers for its own loopback, or not at all.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1", "127.0.0.0/8", "::1/128")
"""As ``no_proxy`` names them. The libcurl inside tritonserver overlooks an address that is not the
last in the list, but not a network; older ones, and older gRPC, know no networks."""
GRPC_VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy")
"""Of these gRPC takes the first that is set, for connections with and without TLS."""


def is_this_machine(host: str) -> bool:
    """Whether a host, without port and brackets, is a loopback address or a name of one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
    return address.is_loopback or address.is_unspecified


def grpc_options(url: str) -> list[tuple[str, int]]:
    """The channel arguments that keep gRPC from asking a proxy for a server on this machine.

    Args:
        url: the server's "HOST:PORT".
    """
    return [("grpc.enable_http_proxy", 0)] if is_this_machine(_host(url)) else []


def without_proxy_for_this_machine(environment: Mapping[str, str], *urls: str) -> dict[str, str]:
    """The environment for a program that is to reach this machine without a proxy.

    Args:
        environment: the variables that it is to inherit.
        urls: "HOST:PORT" that it will connect to; of them, those on this machine count.
    """
    hosts = [*LOOPBACK, *filter(is_this_machine, map(_host, urls))]

    def with_hosts(exceptions: str) -> str:
        return ",".join(dict.fromkeys([*filter(None, exceptions.split(",")), *hosts]))

    for_libcurl = environment.get("no_proxy", environment.get("NO_PROXY", ""))
    for_grpc = environment.get("no_grpc_proxy", environment.get("no_proxy", ""))
    # To libcurl, a star means every host where it stands alone, and nothing beside others.
    everything = for_libcurl.strip() == "*"
    return {
        **environment,
        "no_proxy": for_libcurl if everything else with_hosts(for_libcurl),
        "no_grpc_proxy": with_hosts(for_grpc),
    }


def explain_grpc_proxy(url: str, environment: Mapping[str, str] = os.environ) -> str:
    """What to know where gRPC does not reach a server through a proxy; "" where it uses none.

    Args:
        url: the server's "HOST:PORT".
        environment: that of the process.
    """
    host = _host(url)
    variable = next((name for name in GRPC_VARIABLES if name in environment), None)
    exceptions = "no_grpc_proxy" if "no_grpc_proxy" in environment else "no_proxy"
    excepted = environment.get(exceptions, "")
    if variable is None or is_this_machine(host) or _includes(excepted, host):
        return ""
    remedy = f"set {exceptions}={','.join(filter(None, [excepted, host]))} to go directly"
    try:
        proxy = urlsplit(environment[variable])
    except ValueError:  # gRPC takes a host from it all the same; not shown, it may have a password
        return f"; {variable} is set and is no URL of a proxy: correct it, or {remedy}"
    if proxy.scheme != "http":  # gRPC takes no other
        return ""
    shown = proxy._replace(netloc=proxy.netloc.rpartition("@")[2]).geturl()
    return f"; {variable}={shown} is set and gRPC goes through it: {remedy}"


def _host(url: str) -> str:
    return url.rpartition(":")[0].strip("[]")


def _includes(exceptions: str, host: str) -> bool:
    """As gRPC reads its list: ends of names, addresses, and networks with their prefix's length."""
    for exception in filter(None, exceptions.split(",")):
        if host.lower().endswith(exception.strip().lower()):
            return True
        try:
            network = ipaddress.ip_network(exception.strip(), strict=False)
            if "/" in exception and ipaddress.ip_address(host) in network:
                return True
        except ValueError:
            continue
    return False

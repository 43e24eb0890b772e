from __future__ import annotations

import pytest

from artifact.proxies import (
    explain_grpc_proxy,
    grpc_options,
    is_this_machine,
    without_proxy_for_this_machine,
)

HERE = "localhost,127.0.0.1,::1,127.0.0.0/8,::1/128"
PROXY = {"http_proxy": "http://proxy.example:3128"}


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.0.2", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("", False),
    ],
)
def test_the_loopback_addresses_are_this_machine(host: str, here: bool) -> None:
    assert is_this_machine(host) == here
    url = f"[{host}]:8001" if ":" in host else f"{host}:8001"
    assert bool(grpc_options(url)) == here


@pytest.mark.parametrize(
    ("given", "for_libcurl", "for_grpc"),
    [
        ({}, HERE, HERE),
        (
            {"no_proxy": ".example,127.0.0.1"},
            ".example,127.0.0.1,localhost,::1,127.0.0.0/8,::1/128",
            ".example,127.0.0.1,localhost,::1,127.0.0.0/8,::1/128",
        ),
        ({"NO_PROXY": "a"}, f"a,{HERE}", HERE),
        (
            {"no_proxy": "a", "no_grpc_proxy": "b"},
            f"a,{HERE}",
            f"b,{HERE}",
        ),
        ({"no_proxy": "*"}, "*", f"*,{HERE}"),
    ],
)
def test_programs_are_told_of_no_proxy_for_this_machine(
    given: dict[str, str], for_libcurl: str, for_grpc: str
) -> None:
    environment = without_proxy_for_this_machine({**PROXY, **given})
    assert environment["no_proxy"] == for_libcurl
    assert environment["no_grpc_proxy"] == for_grpc
    assert environment["http_proxy"] == PROXY["http_proxy"]


def test_of_the_servers_that_a_program_asks_those_on_this_machine_are_added() -> None:
    environment = without_proxy_for_this_machine({}, "127.0.0.2:8001", "10.0.0.1:8001")
    assert environment["no_proxy"] == f"{HERE},127.0.0.2"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            PROXY,
            "; http_proxy=http://proxy.example:3128 is set and gRPC goes through it: set "
            "no_proxy=gpu.example to go directly",
        ),
        (
            {**PROXY, "grpc_proxy": "http://me:secret@other.example:1", "no_grpc_proxy": "a"},
            "; grpc_proxy=http://other.example:1 is set and gRPC goes through it: set "
            "no_grpc_proxy=a,gpu.example to go directly",
        ),
        (
            {"http_proxy": "http://me:secret@[::", "no_proxy": "a"},
            "; http_proxy is set and is no URL of a proxy: correct it, or set "
            "no_proxy=a,gpu.example to go directly",
        ),
        ({}, ""),
        ({"all_proxy": "http://proxy.example:3128"}, ""),
        ({"http_proxy": ""}, ""),
        ({"http_proxy": "socks5://proxy.example:3128"}, ""),
        ({**PROXY, "grpc_proxy": ""}, ""),
        ({**PROXY, "no_proxy": "a, .EXAMPLE"}, ""),
    ],
)
def test_the_variable_that_names_grpcs_proxy_is_told(
    environment: dict[str, str], said: str
) -> None:
    assert explain_grpc_proxy("gpu.example:8001", environment) == said


def test_networks_are_read_in_what_needs_no_proxy() -> None:
    environment = {**PROXY, "no_proxy": "x/y,10.1.0.0/16"}
    assert explain_grpc_proxy("10.1.2.3:8001", environment) == ""
    assert explain_grpc_proxy("10.2.2.3:8001", environment) != ""
    assert explain_grpc_proxy("gpu.example:8001", environment) != ""

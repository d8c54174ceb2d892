"""The gateway knocks on no door inside its own network, whatever name leads there."""

from __future__ import annotations

import pytest

from gateway.alerts.address import Allowed, check_form, resolve
from gateway.alerts.errors import AddressRefused

NOTHING = Allowed()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",  # noqa: S104  nothing is bound to it
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[ff02::1]",
    ],
)
def test_the_inside_is_not_reached(host: str):
    with pytest.raises(AddressRefused):
        resolve(f"https://{host}/hook", NOTHING)


def test_what_everybody_can_reach_is_connected_to_by_the_address_that_was_judged():
    target = resolve("https://93.184.216.34/hook?a=b", NOTHING)
    assert target.url == "https://93.184.216.34:443/hook?a=b"
    assert (target.host, target.name) == ("93.184.216.34", "93.184.216.34")
    assert resolve("https://[2606:4700::1111]:8443", NOTHING).url == "https://[2606:4700::1111]:8443/"


def test_the_operator_allows_hosts_and_networks_inside():
    allowed = Allowed.parse("10.2.0.0/16, LOCALHOST", plain=False)
    assert resolve("https://10.2.3.4/", allowed).url == "https://10.2.3.4:443/"
    assert resolve("https://localhost/", allowed).name == "localhost"
    for inside in ("https://10.3.0.1/", "https://127.0.0.1/"):
        with pytest.raises(AddressRefused):
            resolve(inside, allowed)
    with pytest.raises(ValueError, match="host bits"):
        Allowed.parse("10.2.0.1/16", plain=False)


def test_plain_http_is_for_development_on_this_machine():
    with pytest.raises(AddressRefused):
        check_form("http://127.0.0.1/", NOTHING)
    development = Allowed(plain=True)
    assert resolve("http://127.0.0.1:9/", development).url == "http://127.0.0.1:9/"
    with pytest.raises(AddressRefused):
        resolve("http://10.0.0.1/", development)


def test_a_host_that_nobody_knows_is_refused():
    with pytest.raises(AddressRefused):
        resolve("https://nobody.invalid/", NOTHING)

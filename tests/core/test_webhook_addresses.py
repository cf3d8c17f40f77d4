"""Where a webhook may go, and where it never does."""

from __future__ import annotations

import pytest

from affineur.core.decision import Refused
from affineur.core.history.webhook_addresses import host_of, may_reach, parse_networks, parse_url

PRIVATE = parse_networks("10.0.0.0/8, fd00::/8 127.0.0.0/8")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::5", "172.32.0.1"])
def test_public_addresses_are_reached(address: str) -> None:
    assert may_reach(address).allowed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1",
        "192.0.2.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "2001::1", "::127.0.0.1", "64:ff9b:1::1", "4000::1", "100::1",
        # … and those in which one of these is hidden
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1", "2002:a9fe:a9fe::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "no address", "", "127.1",
    ],
)  # fmt: skip
def test_what_only_this_network_reaches_is_not_reached(address: str) -> None:
    decision = may_reach(address)
    assert not decision.allowed
    assert decision.rule == "webhook.address"


def test_a_public_address_hidden_in_another_is_reached() -> None:
    assert may_reach("::ffff:8.8.8.8").allowed
    assert may_reach("64:ff9b::808:808").allowed


def test_networks_of_the_setting_are_reached_and_no_others() -> None:
    assert may_reach("10.1.2.3", PRIVATE).allowed
    assert may_reach("::ffff:10.1.2.3", PRIVATE).allowed
    assert may_reach("fd12::1", PRIVATE).allowed
    assert not may_reach("192.168.0.1", PRIVATE).allowed
    assert not may_reach("169.254.169.254", PRIVATE).allowed


def test_without_tls_only_those_networks_are_reached() -> None:
    assert may_reach("10.1.2.3", PRIVATE, plain=True).allowed
    assert not may_reach("8.8.8.8", PRIVATE, plain=True).allowed


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33", "localhost", "10.0.0.0/8;fd00::/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_networks(text)
    assert refused.value.decision.rule == "webhook.networks"


def test_no_networks_are_none() -> None:
    assert parse_networks("") == parse_networks(" , \n") == ()


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://Hooks.Example.ORG", "https://hooks.example.org/"),
        ("https://hooks.example.org:443/x?y=z", "https://hooks.example.org/x?y=z"),
        ("HTTPS://hooks.example.org:8443/x", "https://hooks.example.org:8443/x"),
        ("https://hooks.example.org./x", "https://hooks.example.org/x"),
        ("https://[2606:4700:0::1111]/", "https://[2606:4700::1111]/"),
        ("https://1.1.1.1/x", "https://1.1.1.1/x"),
        ("https://xn--kse-qla.example.org/", "https://xn--kse-qla.example.org/"),
    ],
)
def test_urls_are_taken_in_normal_form(text: str, normal: str) -> None:
    assert parse_url(text) == normal
    assert parse_url(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "", "hooks.example.org", "http://hooks.example.org/", "ftp://hooks.example.org/", "file:///etc/passwd",
        "https://", "https:///x", "https://user@hooks.example.org/", "https://user:word@hooks.example.org/",
        "https://@hooks.example.org/", "https://hooks.example.org/#x", "https://hooks.example.org:22/",
        "https://hooks.example.org:0/", "https://hooks.example.org:99999/", "https://hooks.example.org:80/",
        "https://hooks.example.org/ x", "https://hooks.example.org/\r\nHost: x", "https://h\\@evil.example.org/",
        "https://-x.example.org/", "https://a..b/", "https://2130706433/", "https://0x7f000001/", "https://127.1/",
        "https://0177.0.0.1/", "https://[::1", "https://[fe80::1%25eth0]/", "https://käse.example.org/",
        "https://hooks.example.org/" + "x" * 500, "javascript:alert(1)",
    ],
)  # fmt: skip
def test_other_urls_are_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_url(text)
    assert refused.value.decision.rule == "webhook.url"


def test_plain_http_is_taken_where_private_networks_are_allowed() -> None:
    assert parse_url("http://127.0.0.1:9000/x", PRIVATE) == "http://127.0.0.1:9000/x"


def test_only_the_host_is_named_where_the_rest_may_be_secret() -> None:
    assert host_of("https://hooks.example.org:8443/T00/secret?key=secret") == "hooks.example.org"

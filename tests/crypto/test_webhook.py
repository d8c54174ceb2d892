"""A message is believed only from its key, whole, and of just now."""

from __future__ import annotations

import pytest

from gateway.crypto import webhook
from gateway.crypto.private import generate
from gateway.crypto.webhook import WebhookUnverified

NOW = 1_800_000_000
KEY = generate("Ed25519")
PUBLIC = webhook.public_text(KEY)
BODY = b'{"type": "test"}'


def signed(**changed: str) -> dict[str, str]:
    return {**webhook.sign([KEY], id="msg_1", at=NOW, body=BODY), **changed}


def test_a_message_says_which_one_it_is():
    assert webhook.verify(signed(), BODY, key=PUBLIC, now=NOW + 299) == "msg_1"


def test_one_signature_of_several_is_enough():
    other = webhook.sign([generate("Ed25519")], id="msg_1", at=NOW, body=BODY)["webhook-signature"]
    own = signed()["webhook-signature"]
    assert webhook.verify(signed(**{"webhook-signature": f"v1,xxxx {other} {own}"}), BODY, key=PUBLIC, now=NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(**{"webhook-id": "msg_2"}),
        signed(**{"webhook-id": ""}),
        signed(**{"webhook-id": "msg.1"}),
        signed(**{"webhook-timestamp": str(NOW + 1)}),
        signed(**{"webhook-timestamp": "now"}),
        signed(**{"webhook-signature": ""}),
        signed(**{"webhook-signature": signed()["webhook-signature"].replace("v1a,", "v1,")}),
        signed(**{"webhook-signature": "v1a,!!!"}),
        signed(**{"webhook-signature": "v1a,AAAA"}),
        signed(**{"webhook-signature": "v1,x " * 8 + signed()["webhook-signature"]}),
        webhook.sign([generate("Ed25519")], id="msg_1", at=NOW, body=BODY),
    ],
)
def test_headers_that_are_not_its_own_are_refused(headers: dict[str, str]):
    with pytest.raises(WebhookUnverified):
        webhook.verify(headers, BODY, key=PUBLIC, now=NOW)


def test_another_body_an_old_message_and_a_key_that_is_none_are_refused():
    for body, now, key in (
        (BODY + b" ", NOW, PUBLIC),
        (b"x" * (webhook.MAX_BODY + 1), NOW, PUBLIC),
        (BODY, NOW + 301, PUBLIC),
        (BODY, NOW - 301, PUBLIC),
        (BODY, NOW, PUBLIC.removeprefix("whpk_")),
        (BODY, NOW, "whpk_AAAA"),
        (BODY, NOW, "whpk_?"),
    ):
        with pytest.raises(WebhookUnverified):
            webhook.verify(signed(), body, key=key, now=now)

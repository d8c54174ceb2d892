"""The golden contract: made again from its seeds, it is the same to the byte; and it verifies."""

from __future__ import annotations

import json

from gateway.contracts.verify import verify_contract
from gateway.crypto.canonical import canonical_json
from tests.vectors.make_contract import FILE, GATEWAY, as_text, ring

VECTOR = json.loads(FILE.read_text())


def test_the_vector_is_what_its_maker_makes() -> None:
    assert FILE.read_text() == as_text()


def test_the_vector_verifies() -> None:
    envelope = canonical_json(VECTOR["envelope"])
    contract = verify_contract(envelope, keys=ring(), gateway=GATEWAY, now=VECTOR["verified_at"])
    assert contract.digest == VECTOR["digest"]
    assert contract.payload == VECTOR["payload"].encode()


def test_the_vectors_keys_are_those_the_reference_names() -> None:
    assert [VECTOR["public_keys"][did]["x"] for did in sorted(VECTOR["seeds"])] == [
        "Zs1gi5KLiOUODv6qM_rxxDzv4HKUsLh-n-CrpqPPdjM",
        "0EqyMnQrtKs6E2i9RhXk5tAiSrcaAWuvhSCjMsl3hzc",
        "IEBA42TBDyvsnB_lAKHNTCR8idZQoB7X6CyrqGeHfCE",
    ]

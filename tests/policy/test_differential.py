"""One decision, two engines: the interpreter in process and a real OPA server say the same, byte for byte."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from gateway.policy.archive import contents, written
from gateway.policy.bundle import Bundle
from gateway.policy.decide import decide
from gateway.policy.document import validate
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.errors import PolicyUnavailable
from gateway.policy.opa import OpaEngine
from gateway.policy.widest import widest
from tests.policy.documents import EUROPEAN, Document, changed, document, furnished
from tests.policy.engines import bundle, decided, opa_server, whole_bundle
from tests.policy.inputs import PLACES_OF, inputs, varied

pytestmark = pytest.mark.server

EXAMPLES = 1000


class Pair:
    """Both engines on one event loop, as a gateway process has them. `valid` makes a document that they permit, in
    which up to `places` are drawn anew."""

    def __init__(self, address: str, rules: Bundle, valid: Callable[[], Document], places: int) -> None:
        self.bundle = rules
        self.valid = valid
        self.places = places
        self.loop = asyncio.new_event_loop()
        self.embedded = EmbeddedEngine(rules)
        self.opa = self.loop.run_until_complete(self._connected(address))

    async def _connected(self, address: str) -> OpaEngine:
        return OpaEngine(address, self.bundle.digest, timeout_s=20)

    def ask(self, asked):
        return self.loop.run_until_complete(self._ask(asked))

    async def _ask(self, asked):
        mine = await decide(self.embedded, self.bundle.digest, asked)
        theirs = await decide(self.opa, self.bundle.digest, asked)
        return mine, theirs

    def close(self) -> None:
        self.loop.run_until_complete(self.opa.close())
        self.loop.run_until_complete(self.embedded.close())
        self.loop.close()


# The more rules there are, the fewer places may be drawn anew if enough permits are to be left.
PACKS: dict[str, tuple[Callable[[], Bundle], Callable[[], Document], int]] = {
    "required packs": (bundle, document, 3),
    "cn-genetic and us": (partial(bundle, "cn-genetic", "us"), document, 3),
    "every pack": (whole_bundle, furnished, 2),
}


@pytest.fixture(scope="module", params=PACKS.values(), ids=PACKS.keys())
def pair(request, tmp_path_factory) -> Iterator[Pair]:
    rules, valid, places = request.param
    directory = tmp_path_factory.mktemp("opa") / "bundle"
    written(contents(rules(), None), directory)
    with opa_server(directory) as address:
        both = Pair(address, rules(), valid, places)
        yield both
        both.close()


def test_generated_inputs_are_decided_alike(pair):
    seen: Counter[str] = Counter()
    spoke: set[str] = set()
    quiet: set[str] = set()

    def same(asked: Document) -> str:
        assert validate(asked) == []
        mine, theirs = pair.ask(asked)
        assert mine.as_bytes() == theirs.as_bytes()
        speaking = {reason.rule for reason in mine.reasons}
        spoke.update(speaking)
        quiet.update(set(pair.bundle.rules) - speaking)
        return str(mine.result)

    for asked in varied(pair.valid):
        same(asked)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(asked=inputs(pair.valid, pair.places))
    def alike(asked):
        seen[same(asked)] += 1

    alike()
    # Else this would prove little: every rule spoke and was content, each result was had among what was generated.
    # The schema speaks for `input_complete`: what it lets pass is complete.
    assert spoke == set(pair.bundle.rules) - {"input_complete"}
    assert quiet == set(pair.bundle.rules)
    assert seen["permit"] >= sum(seen.values()) / 5, seen
    assert seen["refer"] > 0


def test_the_widest_inputs_are_decided_alike(pair):
    for wide in widest():
        mine, theirs = pair.ask(json.loads(wide))
        assert mine.as_bytes() == theirs.as_bytes()


def test_every_place_changed_alone_is_decided_alike(pair):
    """No luck needed: each place that rules read takes several of its values while all else is valid."""
    generator = random.Random(1)
    for path, strategy in sorted(PLACES_OF.items()):
        values = _values(strategy)
        for value in generator.sample(values, min(len(values), 12)):
            for variation in ({}, EUROPEAN):
                mine, theirs = pair.ask(changed(variation | {path: value}, pair.valid()))
                assert mine.as_bytes() == theirs.as_bytes(), path


def _values(strategy):
    drawn: dict[str, object] = {}

    @settings(
        max_examples=25, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(value=strategy)
    def draw(value):
        drawn[json.dumps(value)] = value

    draw()
    return list(drawn.values())


# Members that only rules to come will read, or only where a condition asks for them, or only to be lenient.
UNREAD = {
    *(f"{party}.{fact}" for party in ("participant", "provider") for fact in (
        "kind", "country", "for_profit", "public_body", "overseas_entity", "foreign_equity_pct", "foreign_control",
        "ciio", "in_ftz", "mlps_level", "persons_held", "security_officer",
    )),
    *(f"dataset.{fact}" for fact in (
        "contains", "persons", "under_14", "hgr", "consent", "person_column", "origin", "important_data",
    )),
    *(f"contract.{fact}" for fact in ("id", "digest", "obligations", "clauses", "price")),
    *(f"approvals.{fact}" for fact in document()["approvals"]),
    *(f"exports.{fact}" for fact in document()["exports"]),
    *(f"request.{fact}" for fact in (
        "accepts", "collaboration_ref", "filter_digest", "months", "project", "research_types",
    )),
    "user.id",
    "user.roles",
}  # fmt: skip
# Of them, what a pack's rules read of any request.
READ_IN_PACKS = {
    "cn-genetic": {"dataset.contains", "dataset.hgr"},
    "us": {"dataset.origin"},
    "eu": {"dataset.origin"},
    "cn-personal": {
        "participant.mlps_level",
        "provider.persons_held",
        "dataset.under_14",
        "dataset.consent",
        "dataset.important_data",
        "contract.clauses",
        "approvals.pia",
    },
    "cn-ethics": {"approvals.ethics"},
}


def test_the_server_alone_refuses_what_lacks_a_fact_that_rules_read(pair):
    """Asked without the gateway, so without the schema: what is missing refuses by itself."""
    unread = UNREAD.difference(*(READ_IN_PACKS.get(pack, ()) for pack in pair.bundle.packs))
    for section, members in document().items():
        for name in members:
            data = json.dumps(changed({f"{section}.{name}": ...}, pair.valid())).encode()
            answer = json.loads(pair.loop.run_until_complete(pair.opa.evaluate(data)))
            assert (answer["result"] == "permit") == (f"{section}.{name}" in unread), f"{section}.{name}"


def test_another_revision_on_the_server_decides_nothing(pair):
    asked = decide(pair.opa, "sha256:" + "00" * 32, document())
    with pytest.raises(PolicyUnavailable):
        pair.loop.run_until_complete(asked)


def test_a_server_that_went_away_refuses_and_one_that_came_back_decides(tmp_path):
    written(contents(bundle(), None), tmp_path / "bundle")

    async def story() -> None:
        with opa_server(tmp_path / "bundle") as address:
            engine = OpaEngine(address, bundle().digest)
            assert (await decide(engine, bundle().digest, document())).result == "permit"
        with pytest.raises(PolicyUnavailable):
            await decide(engine, bundle().digest, document())
        await engine.close()

    asyncio.run(story())
    assert decided(document()).result == "permit"

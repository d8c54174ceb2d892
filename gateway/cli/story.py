"""The demo's story: who takes part, what each step does, and what must be true after it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gateway.audit.note import parse_vkey
from gateway.audit.receipt import verify_receipt
from gateway.audit.verify import verify_export
from gateway.cli.offerings import covid_registration, covid_terms, nafld_registration, nafld_terms
from gateway.cli.parties import Party, approve
from gateway.cli.realdata import Prepared
from gateway.crypto.keyfile import save_private
from gateway.crypto.private import generate, public_jwk
from gateway.founding import initialise
from gateway.policy.archive import contents, packed
from gateway.policy.bundle import bundle_of, read_folder
from gateway.problems import Problem
from gateway.runtime import source_folder
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.client import Client
from gateway.sdk.contract import KeyFile, check
from gateway.sdk.refusals import Refused
from gateway.settings import Settings

HOSPITAL = "did:web:hospital.example"
PHARMA = "did:web:pharma.example"
OVERSEAS = "did:web:overseas-pharma.example"
INSTITUTE = "did:web:institute.example"
NEVER_WAS = "urn:uuid:00000000-0000-7000-8000-000000000000"
USES = 3
DRAFTED = "access/rules/purpose_prohibited/data.json"


class StoryBroken(Problem):
    slug, status, title = "demo-failed", 500, "The demo did not hold"


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    play: Callable[[], None]


class Story:
    """One data space from nothing. `told` gives what the last step has to say."""

    def __init__(self, folder: Path, settings: Settings, port: int, *, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.settings = settings
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.say = say
        self.parties: dict[str, Party] = {}
        self.vkey = ""
        self.ids: dict[str, str] = {}
        self._lines: list[str] = []
        self._data: dict[str, Prepared] = {}
        self._operator: Client
        self._gateway = ""

    def prepare(self, data: list[Prepared]) -> None:
        """Keys, database and the operator; the hospital's files in the hospital's folder."""
        made = initialise(self.settings, public_url=self.url, did=None, location="CN-BJ", development=True)
        self.vkey, self._gateway = str(made.home.log.verifier), made.home.did
        self._operator = self._client("operator", made.agent, made.home.operator, made.key)
        own = self.settings.source_root / source_folder(HOSPITAL)
        own.mkdir(parents=True)
        for item in data:
            shutil.copy(item.path, own)
            self._data[item.dataset.item] = item

    def steps(self) -> Iterator[Step]:
        yield Step("The gateway is initialised", self.initialised)
        yield Step("Four organisations are admitted", self.admit)
        yield Step("The hospital publishes two real datasets", self.publish)
        yield Step("A researcher finds them", self.find)
        yield Step("The hospital offers terms, the pharma tenant accepts", self.offer)
        yield Step("A forged signature is refused", self.forge)
        yield Step("Both parties sign, the gateway countersigns", self.sign)
        yield Step("A permitted read", self.read)
        yield Step("A permitted aggregate", self.aggregate)
        yield Step("Refused: a purpose the contract does not grant", self.wrong_purpose)
        yield Step("Refused: a recipient abroad", self.abroad)
        yield Step("Refused: another tenant", self.stranger)
        yield Step("Refused: a spent contract", self.spent)
        yield Step("A large dataset streams", self.stream)
        yield Step("Referred: two people decide, and the rules read it", self.decide)
        yield Step("The hospital revokes; the next request is refused", self.revoke)
        yield Step("The receipt of the read verifies offline", self.receipt)
        yield Step("A compliance officer reviews and verifies the log", self.review)
        yield Step("Every decision is made again, and a draft rule is tried", self.again)
        yield Step("One flipped bit in a copy is found", self.flip)

    def told(self) -> list[str]:
        lines, self._lines = self._lines, []
        return lines

    # -- the steps -------------------------------------------------------------------------------------------------

    def initialised(self) -> None:
        ready = self._operator.get("/readyz")
        expect(ready["status"] == "ready", "the gateway is ready")
        self._tell(f"its log is {self.vkey.split('+')[0]}; keys for log, contracts, tokens and pseudonyms are separate")

    def admit(self) -> None:
        self._admit(HOSPITAL, "Hospital", "hospital", "CN", "CN-BJ", for_profit=False, public_body=True)
        self._admit(PHARMA, "Pharma tenant", "pharma", "CN", "CN-BJ")
        self._admit(OVERSEAS, "Pharma tenant's parent", "pharma", "DE", "DE", overseas_entity=True)
        self._admit(INSTITUTE, "Research institute", "research_institute", "CN", "CN-BJ", for_profit=False)
        listed = {p["id"] for p in self._operator.get("/v1/participants")}
        expect({HOSPITAL, PHARMA, OVERSEAS, INSTITUTE} <= listed, "all four are listed")
        self._tell("each brought a contract key and enrolled its own agents; no private key left its owner")

    def publish(self) -> None:
        provider = self._agent(HOSPITAL, "provider")
        tests, measures = self._data["covid_testing"], self._data["nafld2"]
        registration = covid_registration()
        careless = json.loads(json.dumps(registration))
        careless["columns"][0]["role"] = "plain"
        refused = self._refused(lambda: provider.post("/v1/datasets", careless), "registration-refused")
        covid = provider.post("/v1/datasets", registration)
        nafld = provider.post("/v1/datasets", nafld_registration())
        expect(covid["rows"] == tests.dataset.rows and nafld["rows"] == measures.dataset.rows, "every row was counted")
        self.ids |= {"covid": covid["id"], "nafld": nafld["id"]}
        self._tell(f"{covid['title']}: {covid['rows']:,} rows; its source holds names, the published view does not")
        self._tell(f"{nafld['title']}: {nafld['rows']:,} rows")
        self._tell(f"a first try declared the patient number plain, and was refused: {str(refused).partition('. ')[0]}")

    def find(self) -> None:
        found = self._agent(PHARMA, "researcher").get("/v1/datasets", text="virus test")
        expect([d["id"] for d in found] == [self.ids["covid"]], "the search finds the one dataset")
        names = [c["name"] for c in found[0]["columns"]]
        expect(not any("name" in n and n != "clinic_name" for n in names), "no name is published")
        self._tell(
            f"“virus test” finds {found[0]['title']}, {found[0]['classification']}, columns {', '.join(names[:5])} …"
        )

    def offer(self) -> None:
        terms = covid_terms(uses=USES)
        offer = self._agent(HOSPITAL, "provider").post(
            "/v1/offers", {"dataset": self.ids["covid"], "consumer": PHARMA, "terms": terms}
        )
        draft = self._agent(PHARMA, "researcher").post("/v1/contracts", {"offer": offer["id"]})
        waiting = self._agent(HOSPITAL, "provider").get("/v1/contracts", waiting=True)
        expect([c["id"] for c in waiting] == [draft["id"]], "the draft waits for the hospital")
        self.ids["contract"] = draft["id"]
        self._tell(
            f"drug development (P05), rows and counts, {USES} uses, 20,000 rows, processed in CN-BJ;"
            f" draft {draft['digest'][:16]}…"
        )

    def forge(self) -> None:
        pharma = self._agent(PHARMA, "researcher")
        draft = pharma.get(f"/v1/contracts/{self.ids['contract']}")
        forged = self.parties[HOSPITAL].sign(draft, key=generate("Ed25519"))
        path = f"/v1/contracts/{draft['id']}/signatures"
        refused = self._refused(lambda: pharma.post(path, forged), "contract-signature-invalid")
        expect(pharma.get(f"/v1/contracts/{draft['id']}")["signed_by"] == [], "nothing was taken")
        self._tell(f"the hospital's signature, made with another key: {refused}; the attempt is in the log")

    def sign(self) -> None:
        contract = self._sign(self.ids["contract"], HOSPITAL, PHARMA)
        expect(contract["state"] == "FINALIZED", "the contract is in force")
        client = self._agent(PHARMA, "researcher")
        envelope = client.raw(f"/v1/contracts/{contract['id']}/envelope")
        keys = KeyFile.parse(client.raw(f"/v1/contracts/{contract['id']}/keys"))
        verified = check(envelope, keys, now=int(time.time()))
        self._tell(
            f"in force; {len(verified.signatures)} parties and the gateway signed {len(verified.payload):,} bytes;"
            " verified offline"
        )

    def read(self) -> None:
        columns = ["subject_id", "gender", "age", "payor_group", "result"]
        data, entry = self._ask(PHARMA, self._request("contract", "read", "M5", columns=columns, limit=5000))
        rows = list(csv.DictReader(io.StringIO(data.decode())))
        expect(len(rows) == 5000 and list(rows[0]) == columns, "exactly the rows and columns that were asked for")
        expect(all(r["subject_id"].startswith("p-") for r in rows), "patient numbers are pseudonyms")
        expect(all("-" in r["age"] or r["age"] == "" for r in rows), "ages are bands")
        self.ids["read"] = entry
        self._tell(f"{len(rows):,} rows; names never left the source, patient numbers are pseudonyms, ages are bands:")
        self._tell("  " + f"{columns[0]:<18}" + "".join(f"{name:<13}" for name in columns[1:]))
        for first, *others in [list(row.values()) for row in rows[:3]]:
            self._tell("  " + f"{first[:14]}…   " + "".join(f"{value or '-':<13}" for value in others))

    def aggregate(self) -> None:
        body = self._request("contract", "aggregate", "M3", group_by=["demo_group", "result"])
        self._refused(lambda: self._ask(PHARMA, body), "groups-overlap")
        self._tell("some patients are in several groups, which would give small numbers away: tests are counted")
        data, _ = self._ask(PHARMA, body | {"count": "rows"})
        cells = list(csv.DictReader(io.StringIO(data.decode())))
        hidden = [c for c in cells if c["suppressed"] == "true"]
        shown = [int(c["count"]) for c in cells if c["suppressed"] == "false"]
        expect(len(hidden) > 0 and min(shown) > 12, "no count of 1 to 12 is shown")
        expect(all(c["count"] == "" for c in hidden), "suppressed cells are empty")
        self._tell(
            f"{len(cells)} groups, {len(hidden)} suppressed (tests of few patients, and what would reveal them):"
        )
        for cell in cells[:4]:
            self._tell("  " + f"{cell['demo_group']:<14}{cell['result']:<12}{cell['count'] or 'suppressed':>10}")

    def wrong_purpose(self) -> None:
        body = self._request("contract", "read", "M5", columns=["result"]) | {"purpose": {"id": "P09"}}
        self._tell_refusal(self._refused(lambda: self._ask(PHARMA, body), "access-denied"))

    def abroad(self) -> None:
        terms = covid_terms(uses=1) | {"processing_locations": ["CN-BJ", "DE"]}
        contract = self._agree(OVERSEAS, "covid", terms)
        self.ids["abroad"] = contract["id"]
        body = self._request("abroad", "read", "M5", columns=["result"])
        refused = self._refused(lambda: self._ask(OVERSEAS, body), "access-denied")
        expect(any(r.rule == "recipient_abroad" for r in refused.reasons), "the rule on recipients abroad spoke")
        expect(
            self._agent(OVERSEAS, "researcher").get(f"/v1/contracts/{contract['id']}")["left"]["uses"] == 1,
            "no use was taken",
        )
        self._tell("the contract alone would allow it, the law does not:")
        self._tell_refusal(refused)

    def stranger(self) -> None:
        researcher = self._agent(INSTITUTE, "researcher")
        body = self._request("contract", "read", "M5", columns=["result"])
        answers = []
        for contract in (self.ids["contract"], NEVER_WAS):
            refused = self._refused(partial(self._ask, INSTITUTE, body | {"contract": contract}), "not-found")
            answers.append(refused.members)
            shown = self._refused(partial(researcher.get, f"/v1/contracts/{contract}"), "not-found")
            answers.append(shown.members)
        expect(all(answer == answers[0] for answer in answers), "a stranger's contract answers like one that never was")
        self._tell("the institute, with a real contract's id, is told the same as with an id that never was: not found")

    def spent(self) -> None:
        self._ask(PHARMA, self._request("contract", "read", "M5", columns=["result"], limit=10))
        body = self._request("contract", "read", "M5", columns=["result"], limit=10)
        refused = self._refused(lambda: self._ask(PHARMA, body), "contract-exhausted")
        left = self._agent(PHARMA, "researcher").get(f"/v1/contracts/{self.ids['contract']}")["left"]
        expect(left["uses"] == 0, "no use is left")
        self._tell(f"{USES} of {USES} uses are taken: {refused}")

    def stream(self) -> None:
        contract = self._agree(PHARMA, "nafld", nafld_terms())
        self.ids["stream"] = contract["id"]
        body = self._request("stream", "read", "M5", columns=["id", "days", "test", "value"]) | {"format": "parquet"}
        started = time.perf_counter()
        data, _ = self._ask(PHARMA, body)
        seconds = time.perf_counter() - started
        expect(data[:4] == b"PAR1" and data[-4:] == b"PAR1", "a whole Parquet file arrived")
        rows = self._data["nafld2"].dataset.rows
        self._tell(
            f"{rows:,} rows under pseudonyms as Parquet, {len(data) / 1e6:.1f} MB in {seconds:.1f} s, memory bounded"
        )

    def decide(self) -> None:
        body = self._request("stream", "read", "M5", columns=["id", "test", "value"])
        body["purpose"] = {"id": "P05", "flags": ["vulnerable"]}
        review = self._refused(lambda: self._ask(PHARMA, body), "access-referred").members["review"]
        self._tell("the use touches a vulnerable group: no rule forbids it, and a person must decide (DUO-90)")
        few = {"kind": "cap_rows", "rows": 10}
        first = approve(self._agent(HOSPITAL, "reviewer"), review, "The protocol protects them.", [few])
        expect(first["state"] == "open", "one vote decides nothing")
        unseen = self._agent(HOSPITAL, "second-reviewer").get(f"/v1/reviews/{review}")
        expect(unseen["votes"] == [], "the second reviewer does not see the first one's vote")
        second = approve(self._agent(HOSPITAL, "second-reviewer"), review, "Agreed.", [])
        expect(second["state"] == "approved", "two votes to approve approve it")
        rows = list(csv.DictReader(io.StringIO(self._ask(PHARMA, body)[0].decode())))
        expect(len(rows) == 10, "as many rows as the stricter of the two allows")
        self._tell("two of the hospital's approved, the second not seeing the first one's vote; each signed it")
        self._tell(f"asked again it is permitted, with what one of them asked for: {len(rows)} rows and no more")

    def revoke(self) -> None:
        self._agent(HOSPITAL, "provider").post(f"/v1/contracts/{self.ids['stream']}/revoke", {})
        body = self._request("stream", "read", "M5", columns=["value"])
        refused = self._refused(lambda: self._ask(PHARMA, body), "access-denied")
        expect(any(r.rule == "contract_in_force" for r in refused.reasons), "the contract is no longer in force")
        self._tell_refusal(refused)

    def receipt(self) -> None:
        from_gateway = self._agent(PHARMA, "researcher").raw(f"/v1/receipts/{self.ids['read']}")
        verified = verify_receipt(from_gateway, parse_vkey(self.vkey))
        expect(verified.record["id"] == self.ids["read"], "the receipt is that of the read")
        event = verified.record["event"]
        expect((event["type"], event["outcome"]) == ("access.decision", "permit"), "it is the entry of the read")
        self._tell(
            f"entry {verified.index} of {verified.checkpoint.size}: {event['type']} {event['outcome']}, in the tree the"
            " log signed"
        )

    def review(self) -> None:
        officer = self._operator
        denied = officer.get("/v1/audit/entries", type="access.decision", outcome="deny", limit=100)["entries"]
        expect(len(denied) >= 4, "every refusal is in the log")
        export = officer.raw("/v1/audit/export")
        report = verify_export(export, parse_vkey(self.vkey))
        expect(report.valid, "the export verifies")
        (self.folder / "log.export").write_bytes(export)
        text = export.decode()
        expect("westerling" not in text and "targaryen" not in text, "no name from the data is in the log")
        own = self._agent(HOSPITAL, "officer").raw("/v1/audit/export")
        mine = verify_export(own, parse_vkey(self.vkey))
        expect(mine.valid and mine.entries < report.entries, "the hospital's own view has no gap")
        self._tell(f"{report.entries} entries, valid to the last byte; {len(denied)} refusals among them")
        self._tell(f"the hospital's officer holds its own {mine.entries} entries, numbered without a gap")

    def again(self) -> None:
        report = self._report(self._agent(HOSPITAL, "officer"), "/v1/policy/replay", {})
        expect(report["decided"] > 0 and report["identical"] == report["decided"], "each decision comes out the same")
        self._tell(f"{report['decided']} decisions, made again under the rules that made them: the same, byte for byte")
        files = read_folder(self.settings.policies)
        table = json.loads(files[DRAFTED])
        table["table"]["open"].remove("P05")
        files[DRAFTED] = json.dumps(table).encode()
        draft = packed(contents(bundle_of(files), None))
        changed = self._report(self._operator, "/v1/policy/what-if", draft)
        permits = sum(each["count"] for each in changed["results"] if each["before"] == "permit")
        expect(permits > 0, "the draft would have changed permits")
        self._tell(f"a draft without purpose P05 would have refused {permits} of the permits; it decides nothing yet")

    def flip(self) -> None:
        whole = (self.folder / "log.export").read_bytes()
        at = whole.index(b'"permit"') + 3
        tampered = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        report = verify_export(tampered, parse_vkey(self.vkey))
        expect(not report.valid, "the flipped bit is found")
        found = report.findings[0]
        self._tell(f"line {found.line}, entry {found.index}: {found.word.value} — {found.sentence}")

    # -- what the steps are made of --------------------------------------------------------------------------------

    def _report(self, officer: Client, path: str, body: dict[str, Any] | bytes) -> dict[str, Any]:
        with officer.stream(path, body) as response:
            lines = [json.loads(line) for line in response.iter_lines()]
        report: dict[str, Any] = lines[-1]["report"]
        return report

    def _tell(self, line: str) -> None:
        self._lines.append(line)

    def _tell_refusal(self, refused: Refused) -> None:
        for reason in refused.reasons:
            self._tell(f"{reason.code}: {reason.text} ({reason.source})")
            self._tell(f"  what to do: {reason.remedy}")
        for together in refused.members.get("would_pass", [])[:2]:
            self._tell("would pass: " + " And: ".join(change["text"] for change in together))

    def _refused(self, attempt: Callable[[], Any], code: str) -> Refused:
        try:
            attempt()
        except Refused as refused:
            expect(refused.code == code, f"it is refused as {code}, not {refused.code}: {refused}")
            return refused
        raise AssertionError(f"it should have been refused as {code}, and was not")

    def _admit(self, did: str, name: str, kind: str, country: str, location: str, **facts: Any) -> None:
        contract_key, admin_key = generate("Ed25519"), generate("ES256")
        body = {
            "id": did,
            "name": name,
            "facts": {"kind": kind, "country": country, "identity_verified": True, **facts},
            "contract_key": {"kid": f"{did}#contract-1", "key": public_jwk(contract_key)},
            "first_agent": {
                "label": "administrator",
                "roles": ["admin"],
                "location": location,
                "key": public_jwk(admin_key),
            },
        }
        admitted = self._operator.post("/v1/participants", body)
        party = self.parties[did] = Party(did, contract_key)
        short = did.removeprefix("did:web:").removesuffix(".example")
        (self.folder / "keys").mkdir(mode=0o700, exist_ok=True)
        save_private(self.folder / "keys" / f"{short}.json", contract_key)
        admin = party.agents["admin"] = self._client(f"{short}-admin", admitted["first_agent"]["id"], did, admin_key)
        committee = ("reviewer", "second-reviewer") if did == HOSPITAL else ()
        for label in ("provider", "researcher", "officer", *committee):
            key, role = generate("ES256"), label.removeprefix("second-")
            enrolment = {"label": label, "roles": [role], "location": location, "key": public_jwk(key)}
            agent = admin.post("/v1/agents", enrolment)
            party.agents[label] = self._client(f"{short}-{label}", agent["id"], did, key)

    def _client(self, name: str, agent: str, participant: str, key: dict[str, Any]) -> Client:
        file = AgentFile(agent, participant, self.url, self._gateway, key)
        file.save(self.folder / "agents" / f"{name}.json")
        return Client(file)

    def _agent(self, did: str, role: str) -> Client:
        return self.parties[did].agents[role]

    def _agree(self, consumer: str, dataset: str, terms: dict[str, Any]) -> Any:
        offer = {"dataset": self.ids[dataset], "consumer": consumer, "terms": terms}
        made = self._agent(HOSPITAL, "provider").post("/v1/offers", offer)
        draft = self._agent(consumer, "researcher").post("/v1/contracts", {"offer": made["id"]})
        return self._sign(draft["id"], HOSPITAL, consumer)

    def _sign(self, contract: str, *signers: str) -> Any:
        answer: Any = None
        for did in signers:
            client = self._agent(did, "provider" if did == HOSPITAL else "researcher")
            draft = client.get(f"/v1/contracts/{contract}")
            answer = client.post(f"/v1/contracts/{contract}/signatures", self.parties[did].sign(draft))
        return answer

    def _request(self, contract: str, action: str, mode: str, **members: Any) -> dict[str, Any]:
        own = {
            "contract": self.ids[contract],
            "action": action,
            "mode": mode,
            "purpose": {"id": "P05"},
            "format": "csv",
        }
        return own | members

    def _ask(self, did: str, body: dict[str, Any]) -> tuple[bytes, str]:
        with self._agent(did, "researcher").stream("/v1/access", body) as response:
            return b"".join(response.iter_bytes()), response.headers["corridor-entry"]


def expect(true: bool, what: str) -> None:
    """A promise of the story; what it was is said when it does not hold."""
    if not true:
        raise AssertionError(f"this should hold and does not: {what}")

"""The researcher's SDK against a real gateway: find, see what one may do, ask, keep the proof."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import gateway.sdk
from gateway.audit.errors import SignatureUnverified
from gateway.crypto.canonical import canonical_json
from gateway.problems import Malformed, WrongState
from gateway.sdk import AsyncCorridor, Contract, Corridor, Refused, Unreachable, col
from gateway.sdk.agentfile import AgentFileRefused
from gateway.sdk.answer import AlreadyRead
from gateway.sdk.refusals import LogKeyChanged, NotAsSent, NotInstalled
from gateway.sdk.request import Choose
from gateway.sdk.verify import receipt as verified
from tests.space import HOSPITAL, OVERSEAS, PHARMA, ROWS, Space, registration, terms

MARKUP = "<script>alert(1)</script>"


# -- finding ---------------------------------------------------------------------------------------------------------


def test_data_is_found_and_described(space: Space, corridor: Corridor) -> None:
    found = corridor.find("csv-file", provider=HOSPITAL)
    (dataset,) = [one for one in found if one.id == space.datasets["csv"]]
    assert (dataset.title, dataset.rows) == ("Visits to a clinic, as csv", ROWS)
    assert [c.role for c in dataset.columns if c.name == "subject_id"] == ["direct_identifier"]
    assert corridor.dataset(dataset.id) == dataset
    assert corridor.find("moonshine") == []
    with pytest.raises(Refused) as told:
        corridor.dataset("urn:uuid:00000000-0000-7000-8000-000000000000")
    assert told.value.code == "not-found"


def test_finding_goes_on_past_one_page(space: Space, corridor: Corridor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sdk.corridor.PAGE", 1)
    assert {space.datasets["csv"], space.datasets["parquet"]} <= {one.id for one in corridor.find()}
    second = space.agree(space.datasets["parquet"])
    assert second in [one.id for one in corridor.contracts()]
    assert [one.id for one in corridor.contracts(space.datasets["parquet"])] == [second]
    assert corridor.contracts(corridor.dataset(space.datasets["parquet"]))[0].dataset == space.datasets["parquet"]


def test_a_contract_says_what_it_gives_and_what_is_left(space: Space, corridor: Corridor) -> None:
    contract = corridor.contract(space.agree(space.datasets["csv"], uses=2))
    assert contract.in_force
    assert (contract.purposes, contract.modes, contract.left) == (("P05",), ("M3", "M5"), {"uses": 2})
    assert contract.valid_to > datetime.now(UTC)
    corridor.read(contract, ["sex"]).arrow()
    assert corridor.contract(contract.id).left == {"uses": 1}


# -- asking ----------------------------------------------------------------------------------------------------------


def test_rows_come_as_whatever_one_works_with(corridor: Corridor, contract: Contract) -> None:
    answer = corridor.read(contract, ["sex", "age", "score"], where=col("sex") == "female", limit=50)
    table = answer.arrow()
    assert isinstance(table, pa.Table)
    assert table.column_names == ["sex", "age", "score"]
    assert 0 < table.num_rows <= 50
    frame = answer.pandas()
    assert isinstance(frame, pd.DataFrame)
    assert set(frame["sex"]) == {"female"}
    assert isinstance(answer.polars(), pl.DataFrame)
    assert answer.polars().height == table.num_rows
    relation = answer.duckdb()
    assert relation.filter("sex = 'male'").fetchall() == []
    with duckdb.connect() as own:
        assert answer.duckdb(own).aggregate("count(*)").fetchall() == [(table.num_rows,)]
    assert sum(batch.num_rows for batch in answer.batches()) == table.num_rows


def test_nothing_is_asked_before_it_is_read_and_it_is_read_once(
    space: Space, corridor: Corridor, contract: Contract
) -> None:
    before = space.log_size()
    answer = corridor.read(contract, ["score"])
    assert "not asked yet" in repr(answer)
    assert "not asked yet" in answer._repr_html_()
    with pytest.raises(WrongState):
        _ = answer.entry
    assert space.log_size() == before
    assert sum(batch.num_rows for batch in answer.batches()) == ROWS
    with pytest.raises(AlreadyRead):
        answer.arrow()
    assert answer.again().arrow().num_rows == ROWS


def test_counts_come_with_small_ones_suppressed(corridor: Corridor, contract: Contract) -> None:
    rows = corridor.count(contract, ["ward"], where=col("score") >= -100, of="rows").arrow().to_pylist()
    assert any(row["count"] is None for row in rows)
    assert all(row["count"] is None or row["count"] >= 10 for row in rows)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".arrows"])
def test_a_file_is_written_whole_and_never_over_another(
    corridor: Corridor, contract: Contract, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"visits{suffix}"
    answer = corridor.read(contract, ["score", "ward"])
    saved = answer.save(path, progress=suffix == ".csv")
    assert (saved.path, saved.bytes, saved.entry) == (path, path.stat().st_size, answer.entry)
    read = {
        ".csv": pyarrow.csv.read_csv,
        ".parquet": pyarrow.parquet.read_table,
        ".arrow": lambda p: pa.ipc.open_stream(p).read_all(),
    }[suffix.removesuffix("s") if suffix == ".arrows" else suffix]
    assert read(path).num_rows == ROWS
    with pytest.raises(Malformed, match="there already"):
        answer.again().save(path)
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".part"] == []


def test_an_ending_nobody_knows_is_said_before_anything_is_asked(
    space: Space, corridor: Corridor, contract: Contract, tmp_path: Path
) -> None:
    before = space.log_size()
    with pytest.raises(Malformed, match="xlsx"):
        corridor.read(contract, ["score"]).save(tmp_path / "visits.xlsx")
    assert space.log_size() == before


def test_what_is_ambiguous_is_asked_back(space: Space, corridor: Corridor, contract: Contract) -> None:
    both = corridor.contract(space.agree(space.datasets["csv"], purposes=["P02", "P05"], delivery_modes=["M3"]))
    with pytest.raises(Choose, match="P02, P05"):
        corridor.count(both, ["ward"])
    with pytest.raises(Choose, match="no mode that fits read"):
        corridor.read(both, ["ward"], purpose="P05")
    with pytest.raises(Choose, match="does not grant 'shoe_size'"):
        corridor.read(contract, ["shoe_size"])
    with pytest.raises(Choose, match="Name the columns"):
        corridor.read(contract, [])
    with pytest.raises(TypeError, match="list of names"):
        corridor.read(contract, "score")
    with pytest.raises(TypeError, match="nothing one can state"):
        corridor.read(contract, ["score"], porpose="P05")  # type: ignore[call-arg]  # what is tried


def test_conditions_are_combined_by_operators_only() -> None:
    both = (col("a") > 1) & (col("b").isin(["x"])) & col("c").not_null()
    assert both.document["and"] == [
        {"column": "a", "op": "gt", "value": 1},
        {"column": "b", "op": "in", "value": ["x"]},
        {"column": "c", "op": "not_null"},
    ]
    assert (~(col("a") == 1) | col("b").is_null()).document == {
        "or": [{"not": {"column": "a", "op": "eq", "value": 1}}, {"column": "b", "op": "is_null"}]
    }
    with pytest.raises(TypeError, match="Combine"):
        bool(col("a") < 1)
    with pytest.raises(TypeError, match="unhashable"):  # as keys they would all be equal: `==` is a condition
        hash(col("a"))
    with pytest.raises(TypeError, match="dates as text"):
        assert col("a") >= datetime.now(UTC)  # type: ignore[operator]  # what is tried
    with pytest.raises(TypeError):
        hash(col("a"))


# -- refused ---------------------------------------------------------------------------------------------------------


def test_a_refusal_says_why_and_what_would_pass(space: Space, corridor: Corridor, contract: Contract) -> None:
    wanted = corridor.read(contract, ["score"], purpose="P09", commercial=True)
    with pytest.raises(Refused) as told:
        wanted.arrow()
    refused = told.value
    assert refused.code == "access-denied"
    assert [reason.code for reason in refused.reasons] == ["GEN-03"]
    assert refused.reasons[0].remedy
    assert any("P05" in text for text in refused.would_pass)
    assert "GEN-03" in str(refused)
    assert "what to do" in str(refused)
    assert "GEN-03" in refused._repr_html_()
    assert refused.entry
    assert corridor.receipts.of(refused.entry).record["event"]["outcome"] == "deny"


def test_what_would_be_answered_is_asked_without_taking_anything(
    space: Space, corridor: Corridor, contract: Contract
) -> None:
    left = corridor.contract(contract.id).raw["used"]
    fine = corridor.would(contract, columns=["score", "age"])
    assert fine.permitted
    assert "generalise" in str(fine)
    wrong = corridor.would(contract, "aggregate", by=["ward"], purpose="P09", commercial=True)
    assert (wrong.result, wrong.permitted) == ("deny", False)
    assert "GEN-03" in str(wrong)
    assert "GEN-03" in wrong._repr_html_()
    assert corridor.contract(contract.id).raw["used"] == left


def test_somebody_elses_contract_never_was(space: Space, agreed: str, tmp_path: Path) -> None:
    other = space.parties[OVERSEAS].files["researcher"]
    with Corridor(other, receipts=tmp_path) as stranger, pytest.raises(Refused) as told:
        stranger.read(agreed, ["score"])
    assert told.value.code == "not-found"


def test_no_gateway_is_said_to_be_none(key_file: Path, tmp_path: Path) -> None:
    away = json.loads(key_file.read_text()) | {"url": "http://127.0.0.1:9"}
    file = tmp_path / "away.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(away))
    with Corridor(file) as corridor, pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
        corridor.find()


# -- proof -----------------------------------------------------------------------------------------------------------


def test_receipts_are_verified_and_kept(space: Space, corridor: Corridor, contract: Contract) -> None:
    answer = corridor.read(contract, ["score"])
    answer.arrow()
    receipt = answer.receipt
    assert receipt.record["decision"]["result"] == "permit"
    assert verified(receipt.path.read_bytes(), space.vkey).index == receipt.index
    ends = corridor.receipts.of_end(answer.entry)
    assert ends.record["result"]["rows"] == ROWS
    names = {path.name for path in corridor.receipts.folder.iterdir()}
    assert names == {"log.vkey", f"{answer.entry}.json", f"{answer.entry}-end.json"}
    assert "proved by" in str(receipt)


def test_a_receipt_that_was_changed_is_found(corridor: Corridor, contract: Contract) -> None:
    answer = corridor.read(contract, ["score"])
    answer.arrow()
    path = answer.receipt.path
    document = json.loads(path.read_text())
    proof = document["proof"]
    document["proof"] = proof[:-6] + ("A" if proof[-6] != "A" else "B") + proof[-5:]
    path.write_bytes(canonical_json(document))
    with pytest.raises(SignatureUnverified):
        _ = answer.receipt


def test_a_receipt_of_another_entry_is_not_taken(corridor: Corridor, contract: Contract) -> None:
    first, second = corridor.read(contract, ["score"]), corridor.read(contract, ["sex"])
    first.arrow()
    second.arrow()
    path = first.receipt.path
    path.write_bytes(second.receipt.path.read_bytes())
    with pytest.raises(NotAsSent):
        _ = first.receipt


def test_another_log_key_is_not_believed(key_file: Path, contract: Contract, corridor: Corridor) -> None:
    corridor.read(contract, ["score"]).arrow()
    file = corridor.receipts.folder / "log.vkey"
    name, id, key = file.read_text().strip().split("+", 2)
    file.write_text(f"{name}+{id}+{key[:-4]}{'AAAA' if key[-4:] != 'AAAA' else 'BBBB'}\n")
    with (
        Corridor(key_file, receipts=corridor.receipts.folder) as again,
        pytest.raises(LogKeyChanged, match="by another way"),
    ):
        again.read(contract, ["score"]).arrow()
    with Corridor(key_file, receipts=corridor.receipts.folder / "x", vkey="somebody+00000000+AAAA") as named:
        with pytest.raises(LogKeyChanged):
            named.read(contract, ["score"]).arrow()
        assert not (named.receipts.folder / "log.vkey").exists()


# -- keys ------------------------------------------------------------------------------------------------------------


def test_the_key_comes_from_a_file_the_environment_or_a_key_store(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(AgentFileRefused, match="CORRIDOR_AGENT"):
        Corridor()
    monkeypatch.setenv("CORRIDOR_AGENT_JSON", key_file.read_text())
    with Corridor() as from_text:
        assert from_text.receipts.folder.parent == tmp_path / ".corridor"
        assert from_text.find()
    monkeypatch.setenv("CORRIDOR_AGENT", str(key_file))
    with Corridor() as from_path:
        assert from_path.receipts.folder.parent == key_file.parent
    store = Store({("corridor", "me"): key_file.read_text(), ("corridor", "wrong"): "{}"})
    monkeypatch.setattr("keyring.core._keyring_backend", store)
    with Corridor(keyring="me") as stored:
        assert stored.find()
    with pytest.raises(AgentFileRefused, match="nothing for 'nobody'"):
        Corridor(keyring="nobody")
    with pytest.raises(AgentFileRefused, match="is not an agent's key file"):
        Corridor(keyring="wrong")


class Store:
    """A key store's backend, as keyring asks one; the system's own is not for tests to write to."""

    priority = 1

    def __init__(self, held: dict[tuple[str, str], str]) -> None:
        self._held = held

    def get_password(self, service: str, username: str) -> str | None:
        return self._held.get((service, username))


def test_a_key_that_others_can_read_is_not_used(key_file: Path, tmp_path: Path) -> None:
    open_to_all = tmp_path / "open.json"
    open_to_all.write_text(key_file.read_text())
    open_to_all.chmod(0o644)
    with pytest.raises(AgentFileRefused, match="chmod 600"):
        Corridor(open_to_all)
    with pytest.raises(AgentFileRefused):
        Corridor(tmp_path / "missing.json")


def test_no_key_is_shown(key_file: Path, corridor: Corridor) -> None:
    secret = json.loads(key_file.read_text())["key"]["d"]
    for shown in (repr(corridor), repr(corridor.client), repr(vars(corridor))):
        assert secret not in shown


# -- awaited ---------------------------------------------------------------------------------------------------------


def test_everything_can_be_awaited(key_file: Path, agreed: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncCorridor(key_file, receipts=tmp_path / "receipts") as space:
            assert "AsyncCorridor" in repr(space)
            assert await space.find("csv-file")
            contract = await space.contract(agreed)
            assert contract in await space.contracts()
            assert (await space.dataset(contract.dataset)).id == contract.dataset
            assert (await space.would(contract, columns=["score"])).permitted
            answers = [await space.read(contract, ["score"], limit=20 + n) for n in range(4)]
            tables = await asyncio.gather(*(answer.arrow() for answer in answers))
            assert [table.num_rows for table in tables] == [20, 21, 22, 23]
            assert (await answers[0].pandas()).shape == (20, 1)
            assert (await answers[0].polars()).shape == (20, 1)
            assert (await answers[0].duckdb()).shape == (20, 1)
            assert (await answers[0].receipt()).entry == answers[0].entry
            seen = 0
            async for batch in (await space.read(contract, ["score"])).batches():
                seen += batch.num_rows
            assert seen == ROWS
            counted = await space.count(contract, ["ward"])
            assert (await counted.save(tmp_path / "wards.csv")).bytes > 0
            with pytest.raises(AlreadyRead):
                await counted.arrow()
            assert (await counted.again().arrow()).num_rows > 0

    asyncio.run(run())


# -- what notebooks show ---------------------------------------------------------------------------------------------


def test_what_others_typed_is_shown_as_text(space: Space, corridor: Corridor) -> None:
    metadata = {**registration()["metadata"], "title": MARKUP, "description": MARKUP}
    columns = [{**one, "description": MARKUP} for one in registration()["columns"]]
    id = space.publish(registration(metadata=metadata, columns=columns))["id"]
    dataset, contract = corridor.dataset(id), corridor.contract(space.agree(id))
    pages = [dataset._repr_html_(), corridor.find()._repr_html_(), contract._repr_html_()]
    pages += [corridor.contracts()._repr_html_(), Refused(MARKUP, reasons=[{"code": MARKUP}])._repr_html_()]
    for page in pages:
        assert "<script" not in page
    assert "&lt;script&gt;" in pages[0]
    assert "Nothing" in corridor.find("moonshine")._repr_html_()


# -- what it stands on -----------------------------------------------------------------------------------------------


def test_the_names_are_there_and_loaded_when_asked_for() -> None:
    for name in gateway.sdk.__all__:
        assert getattr(gateway.sdk, name).__name__ == name
    assert set(dir(gateway.sdk)) == set(gateway.sdk.__all__)
    with pytest.raises(AttributeError):
        _ = gateway.sdk.Nothing  # type: ignore[attr-defined]  # what is tried
    program = "import sys, gateway.sdk; assert not {'pyarrow', 'httpx2', 'pandas'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_library_that_is_not_there_is_named(
    corridor: Corridor, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    answer = corridor.read(contract, ["score"], limit=1)
    with pytest.raises(NotInstalled, match=r"corridor\[polars\]"):
        answer.polars()
    assert answer.arrow().num_rows == 1  # nothing was asked for in vain


def test_terms_of_the_contract_decide_the_defaults(space: Space, corridor: Corridor) -> None:
    secure = corridor.contract(space.agree(space.datasets["csv"], **_terms(delivery_modes=["M2", "M4"])))
    assert corridor.would(secure, columns=["score"]).result in ("deny", "refer")  # M4 asks for a secure environment
    (reason, *_) = corridor.would(secure, columns=["score"]).reasons
    assert reason.code
    assert corridor.client.agent.participant == PHARMA


def _terms(**members: Any) -> dict[str, Any]:
    return {name: terms(**members)[name] for name in members}


def test_what_granted_nothing_has_no_end(space: Space, corridor: Corridor, contract: Contract) -> None:
    with pytest.raises(Refused) as told:
        corridor.read(contract, ["score"], purpose="P09", commercial=True).arrow()
    assert told.value.entry
    with pytest.raises(Refused) as refused:
        corridor.receipts.of_end(told.value.entry)
    assert refused.value.code == "not-ended"

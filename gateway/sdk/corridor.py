"""What a researcher works with: find data, see what one may do, ask, and keep the proof."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from gateway.sdk.agentfile import AgentFile
from gateway.sdk.answer import Answer
from gateway.sdk.client import Client
from gateway.sdk.model import Contract, Dataset, Explanation, Found
from gateway.sdk.receipts import Receipts
from gateway.sdk.request import Action, Counted, Stated, body
from gateway.sdk.where import Condition

PAGE = 200


class Corridor:
    """One agent at one gateway: `Corridor("researcher.json")`. Safe between threads.

    The key comes from a file; without one from CORRIDOR_AGENT (a path) or CORRIDOR_AGENT_JSON (the file's content); or
    from the system's key store by `keyring` (the file's content, kept under that user name of the service "corridor").

    Args:
        receipts: the folder of receipts; by default beside the key file, or in `~/.corridor`.
        vkey: the key that signs the log, if you know it from elsewhere. Otherwise the first one seen is remembered.
        verify: compare what came with what the log says left, after every answer. Takes two small requests.

    Raises:
        AgentFileRefused: there is no key, or it cannot be used.
    """

    def __init__(
        self,
        key_file: str | Path | None = None,
        *,
        keyring: str | None = None,
        receipts: str | Path | None = None,
        vkey: str | None = None,
        verify: bool = True,
        timeout_s: float = 60,
    ) -> None:
        agent, beside = AgentFile.found(key_file, keyring=keyring)
        folder = Path(receipts) if receipts is not None else beside / f"{agent.agent}.receipts"
        self.client = Client(agent, timeout_s=timeout_s)
        self.receipts = Receipts(self.client, folder, vkey=vkey)
        self._verify = verify

    def __repr__(self) -> str:
        agent = self.client.agent
        return f"<Corridor {agent.url} as {agent.agent} of {agent.participant}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()

    # -- finding -----------------------------------------------------------------------------------------------------

    def find(
        self,
        text: str | None = None,
        *,
        purpose: str | None = None,
        category: str | None = None,
        provider: str | None = None,
    ) -> Found[Dataset]:
        """Every dataset you may find: with all of these words, offered for this purpose, of this health category."""
        found: Found[Dataset] = Found()
        query = {"text": text, "purpose": purpose, "category": category, "provider": provider, "limit": PAGE}
        while page := self.client.get("/v1/datasets", **query, after=found[-1].id if found else None):
            found += [Dataset.of(said) for said in page]
            if len(page) < PAGE:
                break
        return found

    def dataset(self, id: str) -> Dataset:
        """One dataset."""
        return Dataset.of(self.client.get(f"/v1/datasets/{id}"))

    def contracts(self, dataset: Dataset | str | None = None, *, in_force: bool = True) -> Found[Contract]:
        """What your organisation has agreed on, newest first; on one dataset, and only what is in force, by default."""
        id = dataset.id if isinstance(dataset, Dataset) else dataset
        found: Found[Contract] = Found()
        query = {"state": "FINALIZED" if in_force else None, "limit": PAGE}
        before: str | None = None
        while page := self.client.get("/v1/contracts", **query, before=before):
            found += [Contract.of(said) for said in page if id in (None, said["dataset"])]
            if len(page) < PAGE:
                break
            before = page[-1]["id"]
        return found

    def contract(self, id: str) -> Contract:
        """One contract, with what is left of it now."""
        return Contract.of(self.client.get(f"/v1/contracts/{id}"))

    # -- asking ------------------------------------------------------------------------------------------------------

    def read(
        self,
        contract: Contract | str,
        columns: Sequence[str],
        *,
        purpose: str | None = None,
        where: Condition | None = None,
        limit: int | None = None,
        mode: str | None = None,
        **stated: Unpack[Stated],
    ) -> Answer:
        """Rows of these columns, with what contract and rules demand done to them.

        `purpose` and `mode` may be left out where the contract leaves no choice. `where` looks at released values.
        """
        held = self._held(contract)
        wanted = body(
            held, "read", columns=columns, purpose=purpose, mode=mode, where=where, limit=limit, stated=stated
        )
        return Answer(self.client, wanted, self.receipts, verify=self._verify)

    def count(
        self,
        contract: Contract | str,
        by: Sequence[str],
        *,
        purpose: str | None = None,
        where: Condition | None = None,
        mode: str | None = None,
        of: Counted | None = None,
        **stated: Unpack[Stated],
    ) -> Answer:
        """Counts by these columns; small ones are suppressed, and what would reveal them.

        `of`: what is counted; by default persons, where the dataset says who is one. Where persons are in several of
        the groups, only rows can be counted.
        """
        held = self._held(contract)
        wanted = body(held, "aggregate", by=by, purpose=purpose, mode=mode, where=where, count=of, stated=stated)
        return Answer(self.client, wanted, self.receipts, verify=self._verify)

    def would(
        self,
        contract: Contract | str,
        action: Action = "read",
        *,
        columns: Sequence[str] = (),
        by: Sequence[str] = (),
        purpose: str | None = None,
        where: Condition | None = None,
        limit: int | None = None,
        mode: str | None = None,
        **stated: Unpack[Stated],
    ) -> Explanation:
        """What would be answered, why, and what would pass. Nothing is granted or counted; the question is recorded."""
        held = self._held(contract)
        given: dict[str, Any] = {"purpose": purpose, "mode": mode, "where": where, "stated": stated}
        wanted = body(held, action, columns=columns, by=by, limit=limit, **given)
        return Explanation.of(self.client.post("/v1/policy/explain", wanted))

    def _held(self, contract: Contract | str) -> Contract:
        return contract if isinstance(contract, Contract) else self.contract(contract)

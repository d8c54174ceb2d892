"""What a gateway is told from outside: environment variables with the prefix `CORRIDOR_`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

POLICIES = Path(__file__).resolve().parent.parent / "policies"


class Settings(BaseSettings):
    """Typed settings of one gateway process. Secrets are named by file, never by value."""

    model_config = SettingsConfigDict(env_prefix="CORRIDOR_", extra="ignore", frozen=True)

    home: Path = Field(default=Path(".corridor"), description="keys, embedded database, scratch space")
    database_url: str | None = Field(
        default=None, description="default: SQLite in `home`; postgresql://… for several processes"
    )
    sources: Path | None = Field(default=None, description="root of the file sources; default: `home`/sources")
    policies: Path = Field(default=POLICIES, description="the folder of the rules to begin with; see docs/policy.md")
    packs: str = Field(
        default="", description="packs of rules to turn on beside the required ones, with commas between"
    )
    bundle_keys: Path | None = Field(
        default=None, description="folder of public keys (PEM or JWK) that may sign bundles, beside the gateway's own"
    )
    opa: Path | None = Field(
        default=None, description="an opa program: rules must pass its `check --strict` before they decide"
    )
    witnesses: Path | None = Field(
        default=None, description="file of the log's witnesses and how many must cosign; see docs/audit.md"
    )
    witness_limit_s: int = Field(
        default=600, ge=1, description="seconds without enough cosignatures before `/readyz` says so"
    )
    witnesses_required: bool = Field(
        default=False, description="from then on, release nothing until enough have cosigned again"
    )
    sign_in: Path | None = Field(
        default=None, description="file of OpenID Connect providers for the pages; see docs/operations.md"
    )
    policy_engine: Literal["embedded", "opa"] = Field(
        default="embedded", description="`embedded`, in this process, or `opa`, a server"
    )
    opa_url: str = Field(default="http://127.0.0.1:8181", description="where the OPA server listens")
    opa_token_file: Path | None = Field(default=None, description="holds the token for the OPA server")
    passphrase_file: Path | None = Field(default=None, description="unseals the gateway's private keys")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen on")
    query_memory_mb: int = Field(default=512, ge=64, description="memory of one delivery's query engine")
    alert_hosts: str = Field(
        default="",
        description="hosts and networks inside that alerts may be sent to: `siem.park.example,10.2.0.0/16`",
    )
    keep_inputs_years: int = Field(
        default=6, ge=3, le=100, description="what decisions were made on is erased after so many years"
    )
    deliveries: int = Field(
        default=8, ge=1, le=256, description="data streams at a time; more wait or are told to come back"
    )

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'corridor.sqlite3'}"

    @property
    def source_root(self) -> Path:
        return self.sources or self.home / "sources"

    @property
    def packs_on(self) -> frozenset[str]:
        return frozenset(name.strip() for name in self.packs.split(",") if name.strip())

    def passphrase(self) -> str | None:
        """The passphrase that seals the gateway's keys, from its file; None when none is configured."""
        return None if self.passphrase_file is None else self.passphrase_file.read_text(encoding="utf-8").strip()

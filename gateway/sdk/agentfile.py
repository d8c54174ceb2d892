"""An agent's key file: who the agent is, at which gateway, and the private key only it holds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.crypto.canonical import strict_json
from gateway.problems import Malformed, Problem


class AgentFileRefused(Problem):
    """The file is missing, open to others, or not an agent's key file."""

    slug, status, title = "agent-file-refused", 400, "The agent's key file cannot be used"


@dataclass(frozen=True, slots=True)
class AgentFile:
    """What `corridor agent enrol` hands out: enough to ask the gateway for tokens."""

    agent: str
    participant: str
    url: str
    gateway: str
    key: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> AgentFile:
        """Read a key file.

        Raises:
            AgentFileRefused: says what is wrong with it and what to do.
        """
        try:
            mode = path.stat().st_mode
            data = path.read_bytes()
        except OSError as error:
            raise AgentFileRefused(f"{path}: {error.strerror or 'cannot be read'}.") from None
        if mode & 0o077:
            raise AgentFileRefused(f"{path} can be read by others; run: chmod 600 {path}")
        try:
            value = strict_json(data, max_bytes=16384)
            return cls(**{name: value[name] for name in ("agent", "participant", "url", "gateway", "key")})
        except (Malformed, KeyError, TypeError):
            raise AgentFileRefused(f"{path} is not an agent's key file.") from None

    def save(self, path: Path) -> None:
        """Write a new file that only its owner can read; an existing one is never overwritten."""
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {name: getattr(self, name) for name in ("agent", "participant", "url", "gateway", "key")}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")

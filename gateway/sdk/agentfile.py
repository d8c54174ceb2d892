"""An agent's key file: who the agent is, at which gateway, and the private key only it holds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
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
    key: dict[str, Any] = field(repr=False)

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
        return cls.parse(data, str(path))

    @classmethod
    def parse(cls, data: bytes, called: str) -> AgentFile:
        """From a file's content. Raises AgentFileRefused."""
        try:
            value = strict_json(data, max_bytes=16384)
            return cls(**{name: value[name] for name in ("agent", "participant", "url", "gateway", "key")})
        except (Malformed, KeyError, TypeError):
            raise AgentFileRefused(f"{called} is not an agent's key file.") from None

    @classmethod
    def found(cls, path: str | Path | None = None, *, keyring: str | None = None) -> tuple[AgentFile, Path]:
        """The key that was named, or that the environment names; and a folder that is its owner's.

        Raises:
            AgentFileRefused: there is none, or it cannot be used.
        """
        home = Path.home() / ".corridor"
        if keyring is not None:
            return cls.parse(_stored(keyring), f"The key store's {keyring!r}"), home
        named = path if path is not None else os.environ.get("CORRIDOR_AGENT")
        if named is not None:
            file = Path(named).expanduser()
            return cls.load(file), file.absolute().parent
        if content := os.environ.get("CORRIDOR_AGENT_JSON"):
            return cls.parse(content.encode(), "CORRIDOR_AGENT_JSON"), home
        raise AgentFileRefused(
            "No key is named: give the path of an agent's key file, or set CORRIDOR_AGENT to it, or CORRIDOR_AGENT_JSON"
            " to its content."
        )

    def save(self, path: Path) -> None:
        """Write a new file that only its owner can read; an existing one is never overwritten."""
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {name: getattr(self, name) for name in ("agent", "participant", "url", "gateway", "key")}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")


def _stored(user: str) -> bytes:
    """What the system's key store holds for the service "corridor" under this user name."""
    try:
        import keyring
    except ImportError as error:
        raise AgentFileRefused("Reading a key store needs keyring: pip install 'corridor[keyring]'") from error
    try:
        found = keyring.get_password("corridor", user)
    except keyring.errors.KeyringError as error:
        raise AgentFileRefused(f"The key store cannot be read: {error}.") from error
    if found is None:
        raise AgentFileRefused(f"The key store holds nothing for {user!r} of the service 'corridor'.")
    return found.encode()

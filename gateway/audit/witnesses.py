"""Who watches a log, and how many of them must have seen a checkpoint (C2SP tlog-policy).

    log <vkey> [url]
    witness <name> <vkey> [url]
    group <name> <any | all | number> <member> ...
    quorum <name | none>

Each line names only what lines before it made. Lines that are empty or begin with `#` say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.audit.errors import PolicyFileMalformed, WitnessesMissing
from gateway.audit.note import KeyType, Note, Verified, VerifierKey, open_note, parse_note, parse_vkey

MAX_POLICY_BYTES: Final = 64 * 1024
MAX_WITNESSES: Final = 32

_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who cosigns. `url`: where checkpoints are submitted, without a slash at the end; None: not asked."""

    name: str
    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """`needed` of these members, which are witnesses and other groups by name."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """The logs' keys, the witnesses, and what they must come to. `quorum` None: nothing is demanded."""

    logs: tuple[VerifierKey, ...]
    witnesses: tuple[Witness, ...]
    groups: Mapping[str, Group]
    quorum: str | None

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        return tuple(witness.key for witness in self.witnesses)

    def satisfied(self, keys: Iterable[VerifierKey]) -> bool:
        """Whether these keys' owners are enough."""
        raw = {key.raw for key in keys}
        present = {witness.name for witness in self.witnesses if witness.key.raw in raw}
        return self.quorum is None or self._met(self.quorum, present)

    def cosigned(self, note: str | bytes | Note) -> tuple[Verified, ...]:
        """The witnesses' signatures under a checkpoint, once they are enough.

        Raises:
            WitnessesMissing: they are not.
            NoteMalformed, SignatureUnverified: not a note, or a signature in a witness's name that is not its own.
        """
        found = self.present(note)
        if not self.satisfied(one.key for one in found):
            raise WitnessesMissing(f"{len(found)} of {len(self.witnesses)} witnesses have cosigned this checkpoint.")
        return found

    def present(self, note: str | bytes | Note) -> tuple[Verified, ...]:
        """The witnesses' signatures under a checkpoint, however few.

        Raises:
            NoteMalformed, SignatureUnverified: as above.
        """
        parsed = note if isinstance(note, Note) else parse_note(note)
        places = {(key.name, key.id) for key in self.keys}
        if not any((line.name, line.key_id) in places for line in parsed.signatures):
            return ()
        return open_note(parsed, self.keys)[1]

    def _met(self, name: str, present: set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in present
        return sum(self._met(member, present) for member in group.members) >= group.needed


NO_WITNESSES: Final = WitnessPolicy((), (), {}, None)


def parse_policy(text: str) -> WitnessPolicy:
    """The policy in a file.

    Raises:
        PolicyFileMalformed: a line that is none of these, a name twice or unknown, one key under two names, a
            group that cannot be met, or not exactly one quorum.
        NoteMalformed: a key that is none.
    """
    if len(text) > MAX_POLICY_BYTES:
        raise PolicyFileMalformed(f"A witness policy is at most {MAX_POLICY_BYTES} bytes.")
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            try:
                reader.take(words)
            except _Refused as error:
                raise PolicyFileMalformed(f"Line {number}: {error}.") from None
    if not reader.quorums:
        raise PolicyFileMalformed("A witness policy names its quorum, or `quorum none`.")
    quorum = reader.quorums[0]
    return WitnessPolicy(tuple(reader.logs), tuple(reader.witnesses), reader.groups, quorum)


class _Refused(Exception):
    """What is wrong with a line."""


class _Reader:
    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: list[Witness] = []
        self.groups: dict[str, Group] = {}
        self.quorums: list[str | None] = []
        self._names: set[str] = set()
        self._used: set[str] = set()
        self._keys: set[bytes] = set()

    def take(self, words: list[str]) -> None:
        kind, *rest = words
        if kind == "log" and len(rest) in (1, 2):
            self.logs.append(self._key(rest[0], KeyType.ED25519))
        elif kind == "witness" and len(rest) in (2, 3):
            self._witness(*rest)
        elif kind == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], tuple(rest[2:]))
        elif kind == "quorum" and len(rest) == 1:
            self._quorum(rest[0])
        else:
            raise _Refused("it is no log, witness, group or quorum with what belongs to it")

    def _witness(self, name: str, vkey: str, url: str | None = None) -> None:
        self._name(name)
        key = self._key(vkey, KeyType.COSIGNATURE)
        if url is not None and _URL.fullmatch(url) is None:
            raise _Refused("a witness's URL is http(s)://host[:port][/path]")
        if len(self.witnesses) == MAX_WITNESSES:
            raise _Refused(f"there are more than {MAX_WITNESSES} witnesses")
        self.witnesses.append(Witness(name, key, None if url is None else url.rstrip("/")))

    def _group(self, name: str, needed: str, members: tuple[str, ...]) -> None:
        for member in members:
            self._use(member)
        self._name(name)
        number = {"any": 1, "all": len(members)}.get(needed)
        if number is None:
            if re.fullmatch("[1-9][0-9]?", needed) is None or int(needed) > len(members):
                raise _Refused("a group asks for `any`, `all`, or a number of its members")
            number = int(needed)
        self.groups[name] = Group(number, members)

    def _quorum(self, name: str) -> None:
        if self.quorums:
            raise _Refused("there is a quorum already")
        if name != "none":
            self._use(name)
        self.quorums.append(None if name == "none" else name)

    def _use(self, name: str) -> None:
        if name not in self._names:
            raise _Refused("it names a witness or group that no line before it made")
        if name in self._used:
            raise _Refused("a witness or group counts in one place only")
        self._used.add(name)

    def _name(self, name: str) -> None:
        if name in self._names or name == "none":
            raise _Refused("the name is taken")
        self._names.add(name)

    def _key(self, vkey: str, type: KeyType) -> VerifierKey:
        key = parse_vkey(vkey)
        if key.type is not type:
            raise _Refused("a log's key signs notes, a witness's key cosigns them; this is the other")
        if key.raw in self._keys:
            raise _Refused("this key is here already; under two names it would count twice")
        self._keys.add(key.raw)
        return key

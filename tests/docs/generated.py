"""The parts of the pages that are made from the code: tables of fields, rules, settings, states, problems."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

import gateway
from gateway.catalog.model import Column, ColumnType
from gateway.catalog.registration import Governance, Metadata, Visibility
from gateway.contracts.states import START, TRANSITIONS, Actor
from gateway.participants.model import Facts
from gateway.policy.bundle import Bundle, load_bundle
from gateway.policy.rules import Rule
from gateway.problems import Problem
from gateway.settings import POLICIES, Settings
from gateway.terms.model import Terms
from gateway.terms.purposes import PURPOSES
from tests.docs.pages import ROOT

_MARKED = re.compile(r"(<!-- generated: (\w+) -->)(.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page's text with every generated part made anew."""

    def part(found: re.Match[str]) -> str:
        made = PARTS[found[2]]()
        return f"{found[1]}\n{made}\n{found[4]}" if "\n" in made else f"{found[1]}{made}{found[4]}"

    return _MARKED.sub(part, text)


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def states() -> str:
    """The contract's states as a diagram, and as a table for readers without one."""
    moves = [("[*]", to, actors) for to, actors in START.items()]
    moves += [(state, to, actors) for state, onward in TRANSITIONS.items() for to, actors in onward.items()]
    drawn = [f"    {of} --> {to}: {_who(actors)}" for of, to, actors in moves]
    drawn += [f"    {state} --> [*]" for state, onward in TRANSITIONS.items() if not onward]
    told = table(
        ("from", "to, and who may move it there"),
        (
            (str(state), "; ".join(f"{to} ({_who(actors)})" for to, actors in onward.items()) or "the end")
            for state, onward in TRANSITIONS.items()
        ),
    )
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(drawn) + "\n```\n\n" + told


def _who(actors: frozenset[Actor]) -> str:
    return ", ".join(actor for actor in Actor if actor in actors)


def settings() -> str:
    """Every setting, with its default and what it means."""

    def default(value: Any) -> str:
        return "" if value is None else "`policies/` of the checkout" if value == POLICIES else f"`{value}`"

    rows = (
        (f"`CORRIDOR_{name.upper()}`", default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return table(("variable", "default", "meaning"), rows)


def fields(model: type[BaseModel], meanings: Mapping[str, str] = types.MappingProxyType({})) -> Callable[[], str]:
    """One row for each field: its form, whether it must be there, what it means."""

    def rows() -> Iterator[tuple[str, ...]]:
        for name, field in model.model_fields.items():
            meaning = meanings.get(name) or field.description
            assert meaning, f"{model.__name__}.{name} has no meaning"
            needed = "yes" if field.is_required() else "no"
            yield f"`{name}`", _form(field.annotation), needed, meaning

    return lambda: table(("field", "form", "needed", "meaning"), rows())


def _form(kind: Any) -> str:
    origin, inner = get_origin(kind), [argument for argument in get_args(kind) if argument is not type(None)]
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_form(argument) for argument in inner)
    if origin is tuple:
        return f"list of {_form(inner[0])}"
    if hasattr(kind, "__metadata__"):
        return _form(inner[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "object"
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return ", ".join(f"`{value}`" for value in kind)
    return {str: "text", int: "integer", bool: "true or false"}[kind]


def purposes() -> str:
    def asks(purpose: Any) -> str:
        wanted = [name for name in ("research", "commercial") if getattr(purpose, name) == "ask"]
        return ", ".join(f"`{name}`" for name in [*wanted, *(["disease_terms"] if purpose.diseases_required else [])])

    rows = ((p.id, p.label, asks(p)) for p in PURPOSES.values() if p.grantable)
    return table(("id", "purpose", "answers it needs"), rows)


def every_purpose() -> str:
    """The banned ones too: they are known so that they can be named."""
    rows = ((f"`{p.id}`", p.label, "" if p.grantable else "nobody may have it") for p in PURPOSES.values())
    return table(("id", "purpose", ""), rows)


def _bundle() -> Bundle:
    return load_bundle(POLICIES)


def _sentence(path: str) -> str:
    found = re.match(r"# (.+)\n", _bundle().modules[path])
    assert found, f"{path} does not begin with a sentence"
    return found[1]


def rules() -> str:
    def codes(rule: Rule) -> str:
        # Some codes stand in another table of the rule: those of the data use conditions, of the prohibited purposes.
        text = json.dumps(_tables()["access"]["rules"][rule.name])
        return ", ".join(sorted({*rule.codes, *re.findall(r'"([A-Z]{2,6}-\d{2})"', text)}))

    rows = ((f"`{rule.name}`", rule.pack, rule.title, codes(rule)) for rule in _bundle().catalogue)
    return table(("rule", "pack", "what it demands", "codes"), rows)


def packs() -> str:
    known = _tables()["lib"]["packs"]["table"]["packs"]
    rows = (
        (f"`{name}`", pack["title"], "always" if pack["required"] else "when turned on") for name, pack in known.items()
    )
    return table(("pack", "what is in it", "on"), rows)


def _tables() -> Any:
    """The data of every rule, whether its pack is on or not."""
    known = _bundle().data["lib"]["packs"]["table"]["packs"]
    return load_bundle(POLICIES, frozenset(known)).data


def obligations() -> str:
    kinds = _bundle().obligations
    rows = ((f"`{kind}`", _sentence(f"access/obligations/{kind}/{kind}.rego")) for kind in kinds)
    return table(("obligation", "when it is owed"), rows)


def problem_classes() -> dict[str, type[Problem]]:
    """Every problem there is, by slug."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.startswith("gateway.migrations"):
            importlib.import_module(module.name)
    found: dict[str, type[Problem]] = {}
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("gateway"):
            found.setdefault(kind.slug, kind)
    return dict(sorted(found.items()))


def problems() -> str:
    rows = (
        (f"[{slug}](../gateway/api/problems.md#{slug})", str(kind.status), kind.title)
        for slug, kind in problem_classes().items()
    )
    return table(("problem", "status", "title"), rows)


COLUMN = {
    "name": "exactly as in the source",
    "type": "what its values are",
    "role": "what it can give away about a person",
    "description": "for those who look for data",
    "not_identifying": "why a name that looks like an identifier's identifies nobody",
}
METADATA = {
    "title": "dct:title",
    "description": "dct:description",
    "keyword": "dcat:keyword; searched by `corridor dataset find`",
    "theme": "dcat:theme; health where nothing is said",
    "language": "dct:language",
    "temporal_start": "first year, month or day covered",
    "temporal_end": "last one",
    "spatial": "dct:spatial",
    "population_coverage": "healthdcatap:populationCoverage",
    "min_typical_age": "healthdcatap:minTypicalAge",
    "max_typical_age": "healthdcatap:maxTypicalAge",
}
GOVERNANCE = {
    "origin": "countries where the data was collected (ISO 3166-1 alpha-2)",
    "identifiability": "how much of a person is in the view",
    "contains": "kinds of data",
    "persons": "how many persons it is about",
    "under_14": "whether children under 14 are among them",
    "classification": "`scheme` and `level` of the view; caps the delivery mode",
    "deidentification_report": "reference of the report, where the view's level is lower than its source's (GB-05)",
    "core_data": "core data of the state: never released",
    "important_data": "important data: leaves the country on a security assessment only",
    "hgr": "human genetic resources: `information`, `seq`, `persons`, `important_pedigree`, `specific_region`,"
    " `other_trigger`",
    "duo": "Data Use Ontology terms: one permission, any modifiers, each with its parameter: see below",
    "consent": "`basis`, and what consents say: `separate`, `recipients`, `purposes`, `overseas`, `guardian`,"
    " `withdrawals_applied_at`, `sharing_clause`",
    "provenance_statement": "reference of the statement where the data comes from",
}
VISIBILITY = {
    "everyone": "every admitted participant",
    "kinds": "participants of these kinds",
    "participants": "these participants, by DID",
}
TERMS = {
    "actions": "what may be done; this version delivers `read` and `aggregate`",
    "purposes": "why; P01 to P23",
    "delivery_modes": "how it may leave",
    "columns": "which columns, of those the dataset publishes",
    "processing_locations": "where the asking agents sit: countries or regions (ISO 3166)",
    "valid_from": "first second of the term, UTC",
    "valid_to": "first second after it; at most five years later",
    "uses": "grants in all",
    "rows": "rows of one grant, and of all together",
    "persons": "persons that any delivery may show, always the same ones; needs the dataset's `person_column`",
    "duties": "what is done to the data in any case",
    "prohibitions": "`reidentify`, `distribute`, `subprocess`: promised, and recorded",
    "clauses": "what the contract's text lays down, by name; rules may ask for it",
    "price": "what the data costs; nothing stated is not taken for `free`",
}
FACTS = {
    "kind": "what it is",
    "identity_verified": "the operator knows who it is; rules refuse everybody else",
    "for_profit": "works for profit; some data may not be used so",
    "public_body": "a public body",
    "overseas_entity": "an entity abroad, or a branch of one",
    "foreign_equity_pct": "share of foreign equity, per cent",
    "foreign_control": "controlled from abroad",
    "persons_held": "of how many persons it holds data; 0 until that is established",
    "security_officer": "somebody is in charge of its data security",
    "blocked": "gets and gives nothing",
}

PARTS: Mapping[str, Callable[[], str]] = {
    "states": states,
    "settings": settings,
    "facts": fields(Facts, FACTS),
    "metadata": fields(Metadata, METADATA),
    "types": lambda: ", ".join(f"`{kind}`" for kind in ColumnType),
    "columns": fields(Column, COLUMN),
    "governance": fields(Governance, GOVERNANCE),
    "visibility": fields(Visibility, VISIBILITY),
    "terms": fields(Terms, TERMS),
    "purposes": purposes,
    "every_purpose": every_purpose,
    "rules": rules,
    "packs": packs,
    "obligations": obligations,
    "problems": problems,
}


def write() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()

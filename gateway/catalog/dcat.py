"""A dataset in DCAT 3 with HealthDCAT-AP properties, as JSON-LD."""

from __future__ import annotations

from typing import Any

from gateway.catalog.store import Dataset

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "csvw": "http://www.w3.org/ns/csvw#",
    "duo": "http://purl.obolibrary.org/obo/DUO_",
    "healthdcatap": "http://healthdataportal.eu/ns/health#",
}
# The European vocabulary of access rights: all our datasets are given out under a contract only.
_NON_PUBLIC = "http://publications.europa.eu/resource/authority/access-right/NON_PUBLIC"
_XSD = {
    "string": "string",
    "integer": "integer",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "datetime": "dateTime",
}


def as_json_ld(dataset: Dataset, *, publisher: str, base: str) -> dict[str, Any]:
    """The dataset's description. `base`: the gateway's public URL, for the distribution's access."""
    metadata, governance = dataset.registration.metadata, dataset.registration.governance
    described = {
        "@context": CONTEXT,
        "@id": dataset.id,
        "@type": "dcat:Dataset",
        "dct:title": metadata.title,
        "dct:description": metadata.description,
        "dcat:keyword": list(metadata.keyword),
        "dcat:theme": [{"@id": theme} for theme in metadata.theme],
        "dct:language": list(metadata.language),
        "dct:publisher": {"@id": dataset.provider, "@type": "foaf:Agent", "foaf:name": metadata.publisher or publisher},
        "dct:license": metadata.licence,
        "dct:accessRights": {"@id": _NON_PUBLIC},
        "dct:spatial": list(metadata.spatial),
        "dct:temporal": _period(metadata.temporal_start, metadata.temporal_end),
        "dct:provenance": governance.provenance_statement,
        "healthdcatap:healthCategory": list(metadata.health_category),
        "healthdcatap:numberOfRecords": dataset.rows,
        "healthdcatap:numberOfUniqueIndividuals": governance.persons,
        "healthdcatap:populationCoverage": metadata.population_coverage,
        "healthdcatap:minTypicalAge": metadata.min_typical_age,
        "healthdcatap:maxTypicalAge": metadata.max_typical_age,
        "odrl:hasPolicy": [{"@id": "duo:" + code.id.removeprefix("DUO:")} for code in governance.duo],
        "dcat:distribution": [
            {
                "@type": "dcat:Distribution",
                "dct:format": format_,
                "dcat:accessService": {"@id": f"{base}/v1/access", "@type": "dcat:DataService"},
            }
            for format_ in ("application/vnd.apache.arrow.stream", "text/csv", "application/vnd.apache.parquet")
        ],
        "csvw:column": [
            {"csvw:name": c.name, "csvw:datatype": _XSD[c.type], "dct:description": c.description, "role": c.role}
            for c in dataset.registration.columns
        ],
    }
    return {name: value for name, value in described.items() if value not in (None, [], "")}


def _period(start: str | None, end: str | None) -> dict[str, str] | None:
    if start is None and end is None:
        return None
    ends = {"dcat:startDate": start, "dcat:endDate": end}
    return {"@type": "dct:PeriodOfTime", **{name: value for name, value in ends.items() if value is not None}}

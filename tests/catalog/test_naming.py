"""A name is judged as people read it, whatever letters it is made of."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.catalog.errors import RegistrationRefused
from gateway.catalog.naming import looks_identifying, mixes_scripts, sight
from gateway.catalog.registration import Registration, check_declaration
from gateway.cli.offerings import covid_registration, nafld_registration
from tests.space import registration

CYRILLIC_A, CYRILLIC_S = "\u0430", "\u0455"
WIDE_NAME = "\uff4eame"

IDENTIFYING = (
    "name Name NAMES full_name patientName patientname FULLNAMES SubjectID usubjid patno ssn1 name2 email2 id3 ids"
    " NaMe n_a_m_e SSNlast4 dateofbirth birth_date BIRTHDATE phonenumber ipaddress mrn mrnno nhsnumber userid initials"
    " Nachname Vorname Geburtsname geburtsdatum Stra\u00dfe Telefonnummer Versichertennummer Reisepassnummer Anschrift"
    " personnummer f\u00f8dselsdato fornavn namn achternaam telefoonnummer pr\u00e9nom nom apellidos imi\u0119"
    " \u0438\u043c\u044f \u0424\u0430\u043c\u0438\u043b\u0438\u044f \u60a3\u8005\u59d3\u540d \u8eab\u5206\u8b49"
    f" n{CYRILLIC_A}me {WIDE_NAME} \u0274\u1d00\u1d0d\u1d07 \U0001d427\U0001d41a\U0001d426\U0001d41e na\u0301me"
)
HARMLESS = (
    "sex age ward inpatient outpatient patients persons subjective_health personality covid19 mRNA mrna acid lipid"
    " valid thyroid ct_result pan_day demo_group payor_group note template column c0001 q17 birthweight dose_\u00b5g"
    " phoneme microphones result stage hymn dayno Diagnose Alter Geschlecht H\u00e4moglobin \u6027\u522b \u5e74\u9f84"
    " \u0432\u043e\u0437\u0440\u0430\u0441\u0442"
)


@pytest.mark.parametrize("name", IDENTIFYING.split())
def test_what_reads_like_an_identifier_is_taken_for_one(name: str) -> None:
    assert looks_identifying(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_what_only_holds_such_letters_is_not(name: str) -> None:
    assert not looks_identifying(name)
    assert not mixes_scripts(name)


@pytest.mark.parametrize("name", [f"n{CYRILLIC_A}me", "IFN\u03b3", f"{CYRILLIC_S}ex", "se\u0445_1", "\u0430\u03b1"])
def test_letters_of_alphabets_that_look_alike_do_not_stand_in_one_name(name: str) -> None:
    assert mixes_scripts(name)


@pytest.mark.parametrize(
    "name", ["CT\u503c", "\u0432\u0435\u0441", WIDE_NAME, "\u043f\u043e\u043b_2", "\u30d7\u30ec_a"]
)
def test_one_alphabet_and_an_east_asian_script_beside_latin_may(name: str) -> None:
    assert not mixes_scripts(name)


@pytest.mark.parametrize(
    "twin", ["SEX", "\uff53\uff45\uff58", f"{CYRILLIC_S}ex", f"{CYRILLIC_S}\u0435\u0445", "\u0405EX"]
)
def test_twins_look_the_same(twin: str) -> None:
    assert sight(twin) == sight("sex")


def test_other_names_do_not() -> None:
    assert len({sight(name) for name in ("sex", "six", "sex_2", "a\u00f1o", "ano")}) == 5


def _with(*columns: dict[str, Any]) -> Registration:
    made = registration()
    made["columns"] = [*made["columns"], *columns]
    return Registration.model_validate(made)


def _plain(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "string", "role": "plain", **members}


@pytest.mark.parametrize("name", ["patientname", WIDE_NAME, "Nachname", "ssn1", "\u0438\u043c\u044f"])
def test_such_a_column_is_refused_unless_the_provider_says_why_it_tells_nobody_apart(name: str) -> None:
    with pytest.raises(RegistrationRefused, match="called like an identifier"):
        check_declaration(_with(_plain(name)))
    check_declaration(_with(_plain(name, not_identifying="It holds the name of a form.")))


def test_a_name_of_two_alphabets_is_refused_even_if_explained() -> None:
    with pytest.raises(RegistrationRefused, match="letters of one alphabet"):
        check_declaration(_with(_plain(f"r{CYRILLIC_A}te", not_identifying="It holds the rate of something.")))


def test_twins_of_a_column_are_refused() -> None:
    for twin in ("SEX", f"{CYRILLIC_S}\u0435\u0445", "\uff53\uff45\uff58"):
        with pytest.raises(RegistrationRefused, match="declared twice"):
            check_declaration(_with(_plain(twin)))


@pytest.mark.parametrize("made", [covid_registration(), nafld_registration(), registration()])
def test_what_the_demo_publishes_passes(made: dict[str, Any]) -> None:
    check_declaration(Registration.model_validate(made))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("persons", "150"),
        ("persons", 150.0),
        ("persons", True),
        ("under_14", "no"),
        ("under_14", 0),
        ("core_data", "false"),
        ("source_level", "4"),
        ("classification", {"scheme": "GB/T 39725-2020", "level": "3"}),
        ("consent", {"basis": "statute", "separate": "yes"}),
        ("hgr", {"information": 1}),
    ],
)
def test_governance_facts_are_of_their_type_or_refused(member: str, value: Any) -> None:
    made = registration()
    Registration.model_validate(made)
    made["governance"][member] = value
    with pytest.raises(ValueError, match=member):
        Registration.model_validate(made)

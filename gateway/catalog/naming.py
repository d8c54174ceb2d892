"""What a column's name gives away: whether it is called like an identifier, and whether it is what it looks like.

Names are judged as people read them: compatibility forms (Unicode NFKC), accents and look-alike letters folded, words
told apart at separators, capitals and digits. A judgement is never the last word: a provider may explain a name.
"""

from __future__ import annotations

import re
import unicodedata

# Letters of other alphabets that are drawn like Latin ones, and Latin ones that have no decomposition. The capitals of
# Greek stand for other letters than its small ones, so this comes before any folding of case.
# Cyrillic small and capital, Greek small and capital, Latin.
_ALPHABETS = (
    (
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458"
        "\u04bb\u0501\u051b\u051d\u0475\u04cf\u043a\u043c\u0442\u043d\u0432",
        "aeopcyxsijhdqwvlkmthb",
    ),
    (
        "\u0410\u0415\u041e\u0420\u0421\u0423\u0425\u0405\u0406\u0408\u041a\u041c\u0422\u041d\u0412\u04c0",
        "AEOPCYXSIJKMTHBl",
    ),
    ("\u03b1\u03bf\u03bd\u03c1\u03b9\u03ba\u03c5\u03c4", "aovpikut"),
    ("\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7", "ABEZHIKMNOPTYX"),
    ("\u0131\u0251\u0261\u00f8\u00d8\u0142\u0141\u0111\u0110", "iagoOlLdD"),
)
_DRAWN_LIKE = {ord(letter): like for drawn, read in _ALPHABETS for letter, like in zip(drawn, read, strict=True)}
_SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])")
# Scripts that are written beside Latin without being taken for it (UTS 39 section 5.2, highly restrictive).
_EAST_ASIAN = frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "HANGUL"})

_WORDS = re.compile(
    r"name|names|initials|ssn|mrn|nhs|nric|nino|passport|phone|mobile|tel|telephone|fax|email|mail|address|addr"
    r"|street|ip|url|wechat|licence|license|plate|account|iban|imei|imsi|id|ids|identifier|identifiers|uuid|guid|pid"
    r"|subject|patient|person|empi|dob|birth"
    # German, Dutch, Scandinavian, Finnish
    r"|patientin|proband|anschrift|handy|ausweis|geboren|kvnr|svnr|bsn|fnr|hetu|nimi|etunimi|sukunimi|henkilotunnus"
    # French, Spanish, Portuguese, Italian, Polish, Czech
    r"|nom|noms|prenom|prenoms|courriel|naissance|nombre|nombres|apellido|apellidos|direccion|correo|nacimiento|dni"
    r"|nome|nomi|cognome|sobrenome|indirizzo|nascita|cpf|endereco|imie|nazwisko|pesel|jmeno|prijmeni"
    # Russian, Greek
    r"|\u0438\u043c\u044f|\u0444\u0438\u043e|\u0430\u0434\u0440\u0435\u0441|\u0441\u043d\u0438\u043b\u0441"
    r"|\u03bf\u03bd\u03bf\u03bc\u03b1|\u03b1\u03bc\u03ba\u03b1"
)
_WHO = (
    "patient|pat|pt|u?subj|u?subject|person|pers|participant|proband|user|member|client|donor|case|fall|record|study"
    "|sample|specimen|visit|encounter|hosp|hospital|nhs|national|citizen|tax|steuer|employee|emp|staff|doctor"
    "|physician|account|konto|device|insurance|versicherten|versicherungs|kassen|health|medical|chart|unique|phone"
    "|telefon|tel|mobile|handy|haus|ausweis|passport|social|socialsecurity"
)
# Stems that say so wherever they stand in a word. Left out are those that other words have too: inpatient,
# subjective, personality, covid, mRNA, birthweight, microphone at the front.
_STEMS = re.compile(
    r"names?$|naam$|navn$|namn$|^names?(?:first|last|full|of)"
    r"|(?:first|last|full|sur|fore|given|family|maiden|middle|user|nick|patient|vor|nach|familien|geburts)names?"
    rf"|^(?:{_WHO})(?:en|s|n)?(?:ids?|no|nr|num|nummer|numbers?|kennung|key|code|uuid|ref)$"
    r"|^patient(?!s$)|^subject(?!iv)|subject$|person$|^personn(?:ummer|r)"
    r"|^ssn|ssn$|^mrn(?!as?$)|mrn$|^nhs|dob$|^dob|^fax|phone$|^phonen|e?mail$|^e?mail"
    r"|addr|adresse?n?$|stra(?:ss|at)e?n?$|street|passport|reisepass|licen[cs]e|numberplate|wechat|identifier|creditcard"
    r"|accounts?$|[ug]uid$|birth(?:date|day|year|place)|ofbirth"
    r"|geburts?(?:dat|tag|ort|jahr)|geboorte|fodsels?(?:dat|num|nr)|fodelse|telefo|personnummer|codicefiscale"
    r"|\u0444\u0430\u043c\u0438\u043b\u0438|\u043e\u0442\u0447\u0435\u0441\u0442\u0432"
    r"|\u0442\u0435\u043b\u0435\u0444\u043e\u043d|\u043f\u0430\u0441\u043f\u043e\u0440\u0442"
    r"|\u0440\u043e\u0436\u0434\u0435\u043d|\u03b5\u03c0\u03c9\u03bd\u03c5\u03bc|\u03c4\u03b7\u03bb\u03b5\u03c6\u03c9\u03bd"
)
_HAN = re.compile(
    "姓名|身份证|身份證|身分證|电话|電話|手机|手機|邮箱|郵箱|地址|病历号|病歷號|住院号|住院號|门诊号|門診號|出生|护照"
    "|護照|微信"
)


def looks_identifying(name: str) -> bool:
    """Whether a reader would expect what tells persons apart under this name."""
    plain = _without_accents(_compatible(name))
    return any(_says_so(reading) for reading in (plain, _folded(plain)))


def mixes_scripts(name: str) -> bool:
    """Whether letters of alphabets that are taken for one another stand in one name, such as Latin and Cyrillic."""
    scripts = {unicodedata.name(c, "?").split()[0] for c in _compatible(name) if c.isalpha()}
    return len(scripts - _EAST_ASIAN) > 1


def sight(name: str) -> str:
    """What two names have in common that a reader cannot tell apart, or that differ in case only."""
    return unicodedata.normalize("NFKC", _folded(_compatible(name)).casefold())


def _compatible(name: str) -> str:
    # The micro sign would become a Greek letter; in a column's name it is a unit's, for which people also write u.
    return unicodedata.normalize("NFKC", name.replace("\N{MICRO SIGN}", "u"))


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _folded(text: str) -> str:
    return "".join(_small_capital(c) for c in text.translate(_DRAWN_LIKE))


def _small_capital(letter: str) -> str:
    found = None if letter.isascii() else _SMALL_CAPITAL.fullmatch(unicodedata.name(letter, ""))
    return found[1].lower() if found else letter


def _says_so(text: str) -> bool:
    # Words end at capitals too (patientName, SubjectID), but capitals may also be strewn in (NaMe): read it both ways.
    spaced = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    words = {word for read in (text, spaced) for word in re.split(r"[\W\d_]+", read.casefold())}
    whole = re.sub(r"[\W\d_]+", "", text.casefold())
    return bool(_WORDS.fullmatch(whole) or _HAN.search(text)) or any(
        _WORDS.fullmatch(word) or _STEMS.search(word) for word in words
    )

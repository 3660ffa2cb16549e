"""Which columns hold people: of those no value goes into a draft, only how it is written.

By the words of the column's name and by the form of its values (mail addresses, account numbers). A column
taken for personal that is not loses an example; the other way round a contract in git would name somebody.
"""

from __future__ import annotations

import re

from bridgehead.watch.draft.sample import Sampled

_PEOPLE = frozenset(
    {"person", "people", "customer", "client", "patient", "employee", "user", "owner", "holder",
     "contact", "member", "guest", "passenger", "agent", "officer", "manager", "author",
     "applicant", "borrower", "debtor", "tenant", "student", "teacher", "doctor", "physician",
     "first", "last", "middle", "full", "given", "family", "maiden", "sur", "nick"}
)  # fmt: skip
_ALWAYS = frozenset(
    {"email", "mail", "phone", "mobile", "telephone", "tel", "fax", "ssn", "iban", "bic", "passport",
     "birthday", "birthdate", "dob", "birth", "surname", "firstname", "lastname", "fullname",
     "username", "login", "street", "address", "password", "ip", "license", "licence", "tax",
     "gender", "sex", "religion", "nationality", "diagnosis", "salary", "vorname", "nachname",
     "strasse", "telefon", "geburtsdatum", "nom", "prenom"}
)  # fmt: skip
_FORMS = (
    re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7} ?[A-Z0-9]{0,3}"),
    re.compile(r"\+[0-9][0-9 ()/-]{7,}"),
    re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}"),
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LOOKED_AT = 200


def is_personal(column: Sampled) -> bool:
    """Say whether a column seems to hold what is personal."""
    if is_named_personal(column.name):
        return True
    seen = [value for value, _ in column.most_frequent()[:_LOOKED_AT]]
    return any(
        sum(form.fullmatch(one) is not None for one in seen) > 0.2 * len(seen) for form in _FORMS if seen
    )


def is_named_personal(name: str) -> bool:
    """Say whether a column is called as what is personal is."""
    words = [one.lower() for one in _WORD.findall(name)]
    if any(one in _ALWAYS or re.sub(r"\d+$", "", one) in _ALWAYS for one in words):
        return True
    if "name" in words and (len(words) == 1 or any(one in _PEOPLE for one in words)):
        return True
    return bool(words) and words[-1] in _PEOPLE

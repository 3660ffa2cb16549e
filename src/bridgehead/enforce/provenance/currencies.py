"""Currencies as people write them beside a number: signs, ISO 4217 codes, a few names."""

from __future__ import annotations

import re

_CODE = (
    "AED|AFN|AMD|ANG|AOA|ARS|AUD|AWG|AZN|BBD|BDT|BGN|BHD|BIF|BMD|BND|BOB|BRL|BSD|BTN|BWP|BYN|BZD|CAD|"
    "CDF|CHF|CLP|CNY|COP|CRC|CVE|CZK|DJF|DKK|DOP|DZD|EGP|ERN|ETB|EUR|FJD|FKP|GBP|GHS|GIP|GMD|GNF|GTQ|"
    "GYD|HKD|HNL|HTG|HUF|IDR|ILS|INR|IQD|IRR|ISK|JMD|JOD|JPY|KES|KGS|KHR|KMF|KPW|KRW|KWD|KYD|KZT|LBP|"
    "LKR|LRD|LSL|LYD|MAD|MDL|MGA|MKD|MMK|MNT|MRU|MUR|MVR|MWK|MXN|MYR|MZN|NAD|NGN|NIO|NOK|NPR|NZD|OMR|"
    "PAB|PGK|PHP|PKR|PLN|PYG|QAR|RON|RSD|RUB|RWF|SAR|SBD|SCR|SDG|SEK|SGD|SHP|SLE|SRD|SSP|STN|SVC|SYP|"
    "SZL|THB|TJS|TMT|TND|TTD|TWD|TZS|UAH|UGX|USD|UYU|UZS|VES|VND|VUV|WST|XAF|XCD|XOF|XPF|YER|ZAR|ZMW|"
    "ZWG|usd|eur|gbp|chf|jpy|cad|aud|nzd|sek|nok|dkk|pln|czk|cny|inr"
)
_WORDS = "ALL|BAM|CUP|GEL|LAK|MOP|PEN|SOS|TOP|TRY"
"""Codes that are words too: a currency only behind a number."""
_SIGN = r"(?:\b(?:US|CA?|AU?|NZ|HK|SG?|MX|R))?[$¢£¥฿₠-⃀]|(?<![A-Za-z])(?:zł|Kč|kr|Rs)\b\.?"
_NAME = (
    r"(?:(?:US|American|Canadian|Australian|Swiss|Hong Kong|New Zealand|Singapore) )?"
    r"(?:dollars?|bucks?|euros?|pounds?(?: sterling)?(?! of )|sterling|quid|francs?|yen|yuan|rupees?|rubles?|"
    r"pesos?|kron(?:a|or|er)|zloty|rand|dirhams?|shekels?|baht|liras?)"
)
_LEFT = re.compile(rf"(?:[0-9](?P<far> ?))?(?:{_SIGN}|(?<![A-Za-z_])(?:{_CODE}))(?P<near> ?)\Z")
_RIGHT = re.compile(
    rf"(?P<near> ?)(?:{_SIGN}|(?:{_CODE}|{_WORDS}|(?i:{_NAME}))(?![A-Za-z_]))(?:(?P<far> ?)[0-9])?"
)
_NAMED = re.compile(rf"{_SIGN}|(?<![A-Za-z_])(?:{_CODE}|(?i:{_NAME}))(?![A-Za-z_])")
THOUSANDTHS = re.compile(r"\b(?:BHD|IQD|JOD|KWD|LYD|OMR|TND)\b")
"""Currencies of three decimals, in which ``1.000`` may be one."""


def before(text: str) -> re.Match[str] | None:
    """Return the currency a text ends with, where it belongs to the number after it."""
    return _its_own(_LEFT.search(text))


def after(text: str) -> re.Match[str] | None:
    """Return the currency a text begins with, where it belongs to the number before it."""
    return _its_own(_RIGHT.match(text))


def named(text: str) -> bool:
    """Say whether a text speaks of a currency."""
    return _NAMED.search(text) is not None


def _its_own(found: re.Match[str] | None) -> re.Match[str] | None:
    """A currency between two numbers is of neither, unless it touches one of them."""
    if found is None or (found["far"] is not None and not (found["near"] == "" and found["far"] == " ")):
        return None
    return found

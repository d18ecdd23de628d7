"""The currencies that payments may have: ISO 4217 codes in use, and where Adyen counts them in another unit."""

_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
    VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """
CURRENCIES = frozenset(_CODES.split())

_HUNDREDTHS = frozenset(("CLP", "ISK"))
"""Without minor units in ISO 4217; Adyen counts hundredths (its page "Currency codes and minor units")."""
_WHOLE = frozenset(("CVE", "IDR"))
"""Hundredths in ISO 4217; Adyen counts without decimals."""


def iso_minor_units(value: int, currency: str) -> int:
    """An amount of Adyen's wire in the minor units of ISO 4217, which the journal speaks. Parts of one are cut."""
    if currency in _HUNDREDTHS:
        return value // 100
    return value * 100 if currency in _WHOLE else value

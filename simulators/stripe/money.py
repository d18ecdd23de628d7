"""Currency rules of Stripe's public "Supported currencies" page: smallest units, minimum and maximum charge amounts."""

from simulators.stripe.errors import StripeError, invalid

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
"""Amounts have three decimals, and the last digit must be 0 (Stripe rounds to the nearest ten)."""

ROUND_HUNDREDS = frozenset(["isk", "ugx"])
"""Zero-decimal in practice, written with two decimals that must be 00."""

_TWO_DECIMAL = frozenset([
    "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bmd", "bnd",
    "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "cny", "cop", "crc", "cve", "czk", "dkk", "dop",
    "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gtq", "gyd", "hkd", "hnl", "hrk", "htg",
    "huf", "idr", "ils", "inr", "isk", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl",
    "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mro", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio",
    "nok", "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd", "rub", "sar", "sbd", "scr",
    "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "top", "try", "ttd", "twd", "tzs", "uah",
    "ugx", "usd", "uyu", "uzs", "wst", "xcd", "yer", "zar", "zmw",
])  # fmt: skip
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | _TWO_DECIMAL

MINIMUM = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
"""Minor units, for an account that settles in the charge's own currency. Others are converted at the real PSP; here
they have no minimum but 1."""

MAXIMUM = 99_999_999
"""Minor units: eight digits, the public limit for every currency that is not listed with a larger one."""


def exponent(currency: str) -> int:
    """Decimal digits of the currency's minor unit as Stripe counts them."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def format_amount(amount: int, currency: str) -> str:
    """`4.20 usd` in words people read; integer arithmetic only."""
    digits = exponent(currency)
    if not digits:
        return f"{amount} {currency}"
    whole, part = divmod(amount, 10**digits)
    return f"{whole}.{part:0{digits}d} {currency}"


def check_currency(currency: str, param: str = "currency") -> str:
    """Return the lower-case code. Raises `invalid_request_error` for a currency that Stripe does not take."""
    lowered = currency.lower()
    if lowered not in CURRENCIES:
        raise invalid(
            f"Invalid currency: {lowered}. Stripe supports the currencies of https://stripe.com/docs/currencies.",
            param=param,
        )
    return lowered


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """Raise the error Stripe gives for an amount outside the currency's bounds."""
    refusal = _refusal(amount, currency, param)
    if refusal is not None:
        raise refusal


def _refusal(amount: int, currency: str, param: str) -> StripeError | None:
    if amount < 1:
        return invalid("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param)
    smallest = MINIMUM.get(currency, 1)
    if amount < smallest:
        return invalid(
            f"Amount must be at least {format_amount(smallest, currency)}", code="amount_too_small", param=param
        )
    if amount > MAXIMUM:
        return invalid(
            f"Amount must be no more than {format_amount(MAXIMUM, currency)}", code="amount_too_large", param=param
        )
    if currency in THREE_DECIMAL and amount % 10:
        return invalid(
            f"Invalid amount: {currency} amounts must end with 0.", code="invalid_charge_amount", param=param
        )
    if currency in ROUND_HUNDREDS and amount % 100:
        return invalid(
            f"Invalid amount: {currency} amounts must end with 00.", code="invalid_charge_amount", param=param
        )
    return None

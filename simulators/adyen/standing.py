"""What a payment is while it lives here, and how it comes to rest: where money is journaled and cards are kept.

Everything here runs inside an open transaction. A payment's `state` is one of `action` (the shopper must act),
`pending`, `authorised`, `refused`, `cancelled`, `expired`, `authenticated` (authentication only). Amounts are minor
units.
"""

from typing import Any

from simulators.adyen import notifications, tokens
from simulators.adyen.currencies import iso_minor_units
from simulators.adyen.errors import PSP_ALPHABET
from simulators.adyen.refusals import Refused
from simulators.kit import cards as kit_cards
from simulators.kit import lifecycle
from simulators.kit.accounts import Account

Json = dict[str, Any]
PAYMENTS = "payments"
_DIGITS = "0123456789"
_SECURED = {"mc": ("02", "01"), "visa": ("05", "06"), "amex": ("05", "06")}
"""ECI by scheme: authenticated, attempted (EMVCo; three-domain values of the schemes)."""


def psp_reference(account: Account) -> str:
    """The next pspReference: 16 upper-case letters and digits."""
    return account.new_id("", 16, PSP_ALPHABET)


def new(account: Account, **given: Any) -> Json:
    """A payment that nothing has been decided about. `given` names the request's part of it."""
    payment: Json = {
        "id": psp_reference(account),
        "state": "pending",
        "captured": 0,
        "refunded": 0,
        "result": None,
        "refusal": None,
        "flow": None,
        "continuation": None,
        "three_ds": None,
        "additional": {},
        "created": account.now(),
        **given,
    }
    return payment


def open_amount(payment: Json) -> int:
    """What is authorised and neither captured nor given back, in minor units."""
    return int(payment["authorised"] - payment["captured"]) if payment["state"] == "authorised" else 0


def approve(account: Account, payment: Json, result: str = "Authorised") -> None:
    """The issuer said yes. Captures at once if that is what the request or the account wants."""
    payment |= {"state": "authorised", "result": result}
    payment["additional"] = _approval(account, payment)
    if payment["store"] and payment["card"] is not None:
        payment["additional"] |= tokens.keep(account, payment)
    if payment["interaction"] == "ContAuth" and payment["token"]:
        payment["additional"] |= tokens.shown(payment["token"], payment["shopper"])
    mode = lifecycle.parse_mode(payment["capture"])
    at_once = mode == lifecycle.IMMEDIATE and payment["authorised"] > 0
    if at_once:
        payment["captured"] = payment["authorised"]
    record(account, "charge" if at_once else "authorize", payment, payment["authorised"])
    payment["expires"] = None
    if mode.seconds is not None:
        lifecycle.start(account, payment["id"], "capture_automatically", mode)
    elif not at_once and (lasts := account.mode("authorisation").seconds) is not None:
        payment["expires"] = account.clock.now() + lasts
        hold(account, payment)
    account.store.put(PAYMENTS, payment)
    _tell(account, payment, True, _reason(payment))


def hold(account: Account, payment: Json) -> None:
    """Let what is held run out at its time; nothing held, or no such time, and nothing waits."""
    if payment.get("expires") is not None and open_amount(payment):
        left = max(0.0, payment["expires"] - account.clock.now())
        lifecycle.start(account, payment["id"], "expire", lifecycle.after(left))


def refuse(account: Account, payment: Json, refused: Refused, result: str | None = None) -> None:
    """The issuer, Adyen or the shopper said no. `result` is the result code where it is not the refusal's own."""
    payment |= {"state": "refused", "result": result or refused.result}
    payment["refusal"] = {"reason": refused.reason, "code": refused.code}
    payment["additional"] = {**_card_data(payment), **refused.additional_data((payment["card"] or {}).get("brand", ""))}
    account.store.put(PAYMENTS, payment)
    record(account, "decline", payment, payment["authorised"], code=refused.iso or refused.code)
    _tell(account, payment, False, refused.reason)


def wait(account: Account, payment: Json, mode: lifecycle.Mode, then: str, result: str = "Received") -> None:
    """No answer yet: it comes by notification, as `mode` says. `then` is `approve` or a refusal."""
    payment |= {"state": "pending", "result": result, "additional": _card_data(payment)}
    account.store.put(PAYMENTS, payment)
    lifecycle.start(account, payment["id"], "settle", mode, {"then": then})


def record(account: Account, kind: Any, payment: Json, amount: int, code: str | None = None) -> None:
    """Journal what the payment itself moved."""
    account.record(
        kind,
        iso_minor_units(amount, payment["currency"]),
        payment["currency"],
        payment["id"],
        reference=payment["reference"],
        payment=payment["payment"],
        code=code,
    )


def _tell(account: Account, payment: Json, success: bool, reason: str) -> None:
    metadata = {f"metadata.{key}": str(value) for key, value in payment["metadata"].items()}
    shown = {key: value for key, value in payment["additional"].items() if key in _NOTIFIED}
    if payment["card"] is not None:
        shown["paymentMethodVariant"] = payment["method"]
    notifications.send(
        account,
        "AUTHORISATION",
        payment,
        psp_reference=payment["id"],
        value=payment["authorised"],
        success=success,
        reason=reason,
        operations=["CANCEL", "CAPTURE", "REFUND"] if success else None,
        additional=shown | metadata,
    )


_NOTIFIED = frozenset(
    (
        "authCode", "avsResult", "avsResultRaw", "cardBin", "cardPaymentMethod", "cardSummary", "cvcResult",
        "cvcResultRaw", "eci", "expiryDate", "fundingSource", "issuerBin", "issuerCountry", "liabilityShift",
        "merchantAdviceCode", "networkTxReference", "paymentMethod", "recurringProcessingModel", "refusalReasonRaw",
        "shopperInteraction", "threeDAuthenticated", "threeDAuthenticatedResponse", "threeDOffered",
        "threeDOfferedResponse", "threeDSVersion", "dsTransID", "tokenization.shopperReference",
        "tokenization.store.operationType", "tokenization.storedPaymentMethodId",
    )
)  # fmt: skip
"""Fields of `additionalData` that an AUTHORISATION notification has as well."""


def _reason(payment: Json) -> str:
    """Authorisation code, last four digits and expiry date of a card; nothing for other methods."""
    card = payment["card"]
    if card is None:
        return ""
    return f"{payment['additional']['authCode']}:{card['last4']}:{card['exp_month']:02}/{card['exp_year']}"


def _card_data(payment: Json) -> dict[str, str]:
    card = payment["card"]
    if card is None:
        return {}
    found = {
        "cardBin": card["bin"],
        "cardPaymentMethod": payment["method"],
        "cardSummary": card["last4"],
        "expiryDate": f"{card['exp_month']}/{card['exp_year']}",
        "paymentMethod": payment["method"],
        **_three_ds_data(payment),
    }
    if payment["cvc"]:
        found |= {"cvcResult": "1 Matches", "cvcResultRaw": "M"}
    return found


def _three_ds_data(payment: Json) -> dict[str, str]:
    """What `additionalData` says of an authentication, own or brought along."""
    done = payment["three_ds"]
    if done is None:
        return {"threeDOffered": "false", "threeDAuthenticated": "false"}
    good = done["status"] in ("Y", "A")
    found = {
        "threeDOffered": "true",
        "threeDOfferedResponse": "Y",
        "threeDAuthenticated": "true" if good else "false",
        "threeDAuthenticatedResponse": done["status"],
        "threeDSVersion": done["version"],
        "dsTransID": done["ds_transaction"],
        "liabilityShift": "true" if good else "false",
    }
    if good:
        found["eci"] = done["eci"]
    return found


def eci(method: str, status: str) -> str:
    """The electronic commerce indicator of an authentication result (`Y`, `A`)."""
    return _SECURED.get(method, ("05", "06"))[0 if status == "Y" else 1]


def _approval(account: Account, payment: Json) -> dict[str, str]:
    if payment["card"] is None:
        return {}
    given = {
        "acquirerCode": "TestPmmAcquirer",
        "acquirerReference": account.new_id("", 11, PSP_ALPHABET),
        "authCode": account.new_id("", 6, _DIGITS),
        "authorisedAmountCurrency": payment["currency"],
        "authorisedAmountValue": str(payment["authorised"]),
        "avsResult": "4 AVS not supported for this card type",
        "avsResultRaw": "4",
        "fundingSource": "CREDIT",
        "networkTxReference": network_reference(account, payment["method"]),
        "refusalReasonRaw": "AUTHORISED",
        "shopperInteraction": payment["interaction"],
        **_card_data(payment),
    }
    if payment["model"]:
        given["recurringProcessingModel"] = payment["model"]
    return given


def network_reference(account: Account, method: str) -> str:
    """The network's transaction reference: Mastercard's nine letters and the date, else fifteen digits.

    Digits that pass a card number's check would set off every search for card numbers: those are avoided.
    """
    if method == "mc":
        month_and_day = notifications.moment(account.clock.now())[5:10].replace("-", "")
        return f"MCC{account.new_id('', 6, PSP_ALPHABET)}{month_and_day}"
    digits = account.new_id("", 15, _DIGITS)
    if kit_cards.luhn_valid(digits):
        digits = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    return digits

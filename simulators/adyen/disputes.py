"""Disputes: what the shopper's bank does to a captured payment, by hand through the control plane's `settle`.

Each step is one notification about the payment with a pspReference of its own, as Adyen sends them; a chargeback takes
the captured money and a reversed one brings it back.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.adyen import notifications, standing
from simulators.adyen.currencies import iso_minor_units
from simulators.kit.accounts import Account
from simulators.kit.actions import BadRule

Json = dict[str, Any]
Data = Mapping[str, Any]
DEFENCE_PERIOD_S = 18 * 86_400
SCHEMES = {"visa": ("10.4", "Other Fraud-Card Absent Environment"), "mc": ("4837", "No Cardholder Authorisation")}


class NotNow(BadRule):
    """The object's state does not allow the movement; the control plane answers 422 with the message."""


def need(account: Account, identifier: str, states: tuple[str, ...]) -> Json:
    """The payment, in one of these states. Raises NotNow."""
    payment = account.store.get(standing.PAYMENTS, identifier)
    if payment is None:
        raise NotNow(f"there is no payment {identifier}")
    if payment["state"] not in states:
        raise NotNow(f"{identifier} is {payment['state']}; this needs {' or '.join(states)}")
    return payment


def _disputed(account: Account, identifier: str) -> Json:
    payment = need(account, identifier, ("authorised",))
    if not payment["captured"]:
        raise NotNow(f"{identifier} is not captured: there is nothing to dispute")
    return payment


def _tell(account: Account, event: str, payment: Json, reason: str, **more: str) -> None:
    notifications.send(
        account,
        event,
        payment,
        psp_reference=standing.psp_reference(account),
        value=payment["captured"],
        reason=reason,
        original=payment["id"],
        additional={"paymentMethodVariant": payment["method"], **more},
    )


def _about(account: Account, payment: Json, *, defendable: bool) -> dict[str, str]:
    code, _ = SCHEMES.get(payment["method"], SCHEMES["visa"])
    return {
        "chargebackReasonCode": code,
        "chargebackSchemeCode": payment["method"],
        "defendable": "true" if defendable else "false",
        "defensePeriodEndsAt": notifications.moment(account.clock.now() + DEFENCE_PERIOD_S),
        "grossCurrency": payment["currency"],
        "grossValue": str(payment["captured"]),
        "modificationMerchantReferences": "",
    }


def _reason(payment: Json) -> str:
    return SCHEMES.get(payment["method"], SCHEMES["visa"])[1]


def request_for_information(account: Account, identifier: str, _data: Data) -> None:
    """The issuer asks about the payment: REQUEST_FOR_INFORMATION."""
    _tell(account, "REQUEST_FOR_INFORMATION", _disputed(account, identifier), "Request for information")


def notify_of_fraud(account: Account, identifier: str, _data: Data) -> None:
    """The issuer reports the payment as fraud: NOTIFICATION_OF_FRAUD."""
    _tell(account, "NOTIFICATION_OF_FRAUD", _disputed(account, identifier), "Card Absent Fraud")


def notify_of_chargeback(account: Account, identifier: str, _data: Data) -> None:
    """A dispute begins: NOTIFICATION_OF_CHARGEBACK. No money moves yet."""
    payment = _disputed(account, identifier)
    _tell(account, "NOTIFICATION_OF_CHARGEBACK", payment, _reason(payment), **_about(account, payment, defendable=True))


def charge_back(account: Account, identifier: str, _data: Data) -> None:
    """The shopper's bank takes the captured money: CHARGEBACK."""
    payment = _disputed(account, identifier)
    if payment.get("charged_back"):
        raise NotNow(f"{identifier} is charged back already")
    _taken(account, {**payment, "charged_back": True}, "chargeback")
    _tell(account, "CHARGEBACK", payment, _reason(payment), **_about(account, payment, defendable=True))


def second_charge_back(account: Account, identifier: str, _data: Data) -> None:
    """The bank does not accept the defence and takes the money again: SECOND_CHARGEBACK."""
    payment = _disputed(account, identifier)
    if payment.get("charged_back") is not False:
        raise NotNow(f"{identifier} had no chargeback that was reversed")
    _taken(account, {**payment, "charged_back": True}, "chargeback")
    _tell(account, "SECOND_CHARGEBACK", payment, _reason(payment), **_about(account, payment, defendable=False))


def reverse_charge_back(account: Account, identifier: str, _data: Data) -> None:
    """The defence is accepted for now and the money comes back: CHARGEBACK_REVERSED."""
    payment = _disputed(account, identifier)
    if not payment.get("charged_back"):
        raise NotNow(f"{identifier} is not charged back")
    _taken(account, {**payment, "charged_back": False}, "chargeback_reversed")
    _tell(account, "CHARGEBACK_REVERSED", payment, "Defended", disputeStatus="Pending")


def end_defence_period(account: Account, identifier: str, _data: Data) -> None:
    """The time to defend is over: DISPUTE_DEFENSE_PERIOD_ENDED."""
    payment = _disputed(account, identifier)
    status = "Lost" if payment.get("charged_back") else "Won"
    _tell(account, "DISPUTE_DEFENSE_PERIOD_ENDED", payment, _reason(payment), disputeStatus=status)


def _taken(account: Account, payment: Json, kind: Any) -> None:
    account.store.put(standing.PAYMENTS, payment)
    account.record(
        kind,
        iso_minor_units(payment["captured"] - payment["refunded"], payment["currency"]),
        payment["currency"],
        payment["id"],
        parent=payment["id"],
        payment=payment["payment"],
        code=kind.upper(),
    )


ACTIONS: dict[str, Callable[[Account, str, Data], None]] = {
    action.__name__: action
    for action in (
        request_for_information, notify_of_fraud, notify_of_chargeback, charge_back, second_charge_back,
        reverse_charge_back, end_defence_period,
    )
}  # fmt: skip

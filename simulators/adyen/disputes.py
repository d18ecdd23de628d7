"""Disputes: what the shopper's bank does to a captured payment, by hand through the control plane's `settle`.

Each step is one notification; all of one dispute bear the dispute's own pspReference and name the payment as
`originalReference`, as in Adyen's published examples. A chargeback takes what is captured and not refunded, a reversed
one brings it back. The steps follow Adyen's pages "Dispute process and flow" and "Dispute notifications".
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.adyen import notifications, standing
from simulators.adyen.currencies import iso_minor_units
from simulators.kit.accounts import Account
from simulators.kit.actions import BadRule
from simulators.kit.journal import Kind

Json = dict[str, Any]
Data = Mapping[str, Any]
DEFENCE_PERIOD_S = 18 * 86_400
SCHEMES = {"visa": ("10.4", "Other Fraud-Card Absent Environment"), "mc": ("4837", "No Cardholder Authorisation")}


OPENING = ("asked", "announced", "charged_back")
"""The first stages; the dispute is made by whichever comes first."""


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


def _disputed(account: Account, identifier: str, stages: tuple[str, ...]) -> tuple[Json, Json]:
    """The payment and its dispute, which is in one of these stages; `none`: there is no dispute yet. Raises NotNow."""
    payment = need(account, identifier, ("authorised",))
    if not payment["captured"]:
        raise NotNow(f"{identifier} is not captured: there is nothing to dispute")
    found: Json = payment.get("dispute") or {"stage": "none", "taken": False}
    if found["stage"] not in stages:
        raise NotNow(f"the dispute of {identifier} is {found['stage']}; this needs {' or '.join(stages)}")
    if found["stage"] == "none":
        found |= {"id": standing.psp_reference(account), "amount": payment["captured"] - payment["refunded"]}
    return payment, found


def _move(
    account: Account,
    event: str,
    disputed: tuple[Json, Json],
    stage: str,
    *,
    taken: bool | None = None,
    reason: str | None = None,
    more: Mapping[str, str] | None = None,
) -> None:
    """The dispute goes on: its stage, its money where it moves now (`taken`), and the notification."""
    payment, found = disputed
    if taken is not None and taken != found["taken"]:
        kind: Kind = "chargeback" if taken else "chargeback_reversed"
        account.record(
            kind,
            iso_minor_units(found["amount"], payment["currency"]),
            payment["currency"],
            payment["id"],
            parent=payment["id"],
            payment=payment["payment"],
            code=kind.upper(),
        )
    after = {**found, "stage": stage, "taken": found["taken"] if taken is None else taken}
    account.store.put(standing.PAYMENTS, {**payment, "dispute": after})
    notifications.send(
        account,
        event,
        payment,
        psp_reference=found["id"],
        value=found["amount"],
        reason=_reason(payment) if reason is None else reason,
        original=payment["id"],
        additional={"paymentMethodVariant": payment["method"], **_codes(payment), **(more or {})},
    )


def _codes(payment: Json) -> dict[str, str]:
    code, _ = SCHEMES.get(payment["method"], SCHEMES["visa"])
    return {"chargebackReasonCode": code, "chargebackSchemeCode": payment["method"]}


def _about(account: Account, payment: Json, *, defendable: bool) -> dict[str, str]:
    return {
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
    disputed = _disputed(account, identifier, ("none",))
    _move(account, "REQUEST_FOR_INFORMATION", disputed, "asked", reason="Request for information")


def notify_of_fraud(account: Account, identifier: str, _data: Data) -> None:
    """The issuer reports the payment as fraud: NOTIFICATION_OF_FRAUD. It is no dispute, and none need follow."""
    payment = need(account, identifier, ("authorised",))
    notifications.send(
        account,
        "NOTIFICATION_OF_FRAUD",
        payment,
        psp_reference=standing.psp_reference(account),
        value=payment["captured"],
        reason="Card Absent Fraud",
        original=payment["id"],
        additional={"paymentMethodVariant": payment["method"]},
    )


def notify_of_chargeback(account: Account, identifier: str, _data: Data) -> None:
    """A dispute begins: NOTIFICATION_OF_CHARGEBACK. No money moves yet."""
    disputed = _disputed(account, identifier, ("none", "asked"))
    _move(
        account, "NOTIFICATION_OF_CHARGEBACK", disputed, "announced", more=_about(account, disputed[0], defendable=True)
    )


def charge_back(account: Account, identifier: str, _data: Data) -> None:
    """The shopper's bank takes the captured money: CHARGEBACK."""
    disputed = _disputed(account, identifier, ("none", "asked", "announced", "supplied"))
    if disputed[1]["taken"]:
        raise NotNow(f"{identifier} is charged back already")
    stage = "supplied" if disputed[1]["stage"] == "supplied" else "charged_back"
    _move(account, "CHARGEBACK", disputed, stage, taken=True, more=_about(account, disputed[0], defendable=True))


def supply_information(account: Account, identifier: str, _data: Data) -> None:
    """The merchant has defended the dispute: INFORMATION_SUPPLIED."""
    disputed = _disputed(account, identifier, ("announced", "charged_back"))
    _move(account, "INFORMATION_SUPPLIED", disputed, "supplied", more={"disputeStatus": "Pending"})


def reverse_charge_back(account: Account, identifier: str, _data: Data) -> None:
    """The defence is accepted for now and the money comes back: CHARGEBACK_REVERSED. The issuer may still object."""
    disputed = _disputed(account, identifier, ("charged_back", "supplied"))
    if not disputed[1]["taken"]:
        raise NotNow(f"{identifier} is not charged back")
    _move(
        account,
        "CHARGEBACK_REVERSED",
        disputed,
        "reversed",
        taken=False,
        reason="Defended",
        more={"disputeStatus": "Pending"},
    )


def expire_issuer_response(account: Account, identifier: str, _data: Data) -> None:
    """The issuer accepts the defence, or lets its time pass: ISSUER_RESPONSE_TIMEFRAME_EXPIRED, won."""
    disputed = _disputed(account, identifier, ("reversed", "supplied"))
    _move(account, "ISSUER_RESPONSE_TIMEFRAME_EXPIRED", disputed, "won", taken=False, more={"disputeStatus": "Won"})


def second_charge_back(account: Account, identifier: str, _data: Data) -> None:
    """The bank does not accept the defence and takes the money again: SECOND_CHARGEBACK."""
    disputed = _disputed(account, identifier, ("reversed",))
    _move(
        account, "SECOND_CHARGEBACK", disputed, "lost", taken=True, more=_about(account, disputed[0], defendable=False)
    )


def end_defence_period(account: Account, identifier: str, _data: Data) -> None:
    """The time to defend is over, or the merchant gave in: DISPUTE_DEFENSE_PERIOD_ENDED, lost."""
    disputed = _disputed(account, identifier, (*OPENING, "lost"))
    _move(account, "DISPUTE_DEFENSE_PERIOD_ENDED", disputed, "lost", more={"disputeStatus": "Lost"})


def open_prearbitration(account: Account, identifier: str, _data: Data) -> None:
    """The issuer objects to the defence: PREARBITRATION_OPEN. The money stays where it is."""
    _move(account, "PREARBITRATION_OPEN", _disputed(account, identifier, ("reversed",)), "prearbitration")


def win_prearbitration(account: Account, identifier: str, _data: Data) -> None:
    """The cardholder's bank gives in, even after a second chargeback: PREARBITRATION_WON."""
    _move(account, "PREARBITRATION_WON", _disputed(account, identifier, ("prearbitration", "lost")), "won", taken=False)


def lose_prearbitration(account: Account, identifier: str, _data: Data) -> None:
    """The cardholder's bank stays with its objection and has the money: PREARBITRATION_LOST."""
    _move(account, "PREARBITRATION_LOST", _disputed(account, identifier, ("prearbitration",)), "lost", taken=True)


def accept_prearbitration(account: Account, identifier: str, _data: Data) -> None:
    """The merchant gives in to the issuer's objection: PREARBITRATION_ACCEPTED."""
    disputed = _disputed(account, identifier, ("prearbitration",))
    _move(account, "PREARBITRATION_ACCEPTED", disputed, "accepted", taken=True)


def withdraw_prearbitration(account: Account, identifier: str, _data: Data) -> None:
    """The issuer withdraws its objection: PREARBITRATION_ISSUER_WITHDRAWN."""
    disputed = _disputed(account, identifier, ("prearbitration",))
    _move(account, "PREARBITRATION_ISSUER_WITHDRAWN", disputed, "won", taken=False)


ACTIONS: dict[str, Callable[[Account, str, Data], None]] = {
    action.__name__: action
    for action in (
        request_for_information, notify_of_fraud, notify_of_chargeback, charge_back, supply_information,
        reverse_charge_back, expire_issuer_response, second_charge_back, end_defence_period, open_prearbitration,
        win_prearbitration, lose_prearbitration, accept_prearbitration, withdraw_prearbitration,
    )
}  # fmt: skip

"""The parameters of what comes after the payments: disputes, balance, payouts, reports. See `parameters`."""

from simulators.stripe.disputes import PROSE, TEXTS
from simulators.stripe.lists import CREATED, PAGE
from simulators.stripe.parameters import EXPAND, Members
from simulators.stripe.params import Anything, Choice, Flag, Hash, Listed, Metadata, Moment, Text, Whole

_LONGEST_PROSE, _LONGEST = 20_000, 5_000

DISPUTE_LIST: Members = {**PAGE, **CREATED, "charge": Text(), "payment_intent": Text()}
DISPUTE_UPDATE: Members = {
    **EXPAND,
    "evidence": Hash(
        {
            **{name: Text(unset=True, longest=_LONGEST_PROSE if name in PROSE else _LONGEST) for name in TEXTS},
            "enhanced_evidence": Anything(),
        }
    ),
    "metadata": Metadata(),
    "submit": Flag(),
}
WARNING_LIST: Members = {**PAGE, **CREATED, "charge": Text(), "payment_intent": Text()}

BALANCE_LIST: Members = {
    **PAGE,
    **CREATED,
    "currency": Text(longest=3),
    "payout": Text(),
    "source": Text(),
    "type": Text(),
}

PAYOUT_CREATE: Members = {
    **EXPAND,
    "amount": Whole(required=True),
    "currency": Text(required=True, longest=3),
    "description": Text(),
    "destination": Text(),
    "metadata": Metadata(),
    "method": Choice("instant", "standard"),
    "payout_method": Anything(),
    "source_type": Choice("bank_account", "card", "fpx"),
    "statement_descriptor": Text(longest=22),
}
PAYOUT_LIST: Members = {
    **PAGE,
    **CREATED,
    "arrival_date": Moment(),
    "destination": Text(),
    "status": Choice("canceled", "failed", "in_transit", "paid", "pending"),
}

REPORT_CREATE: Members = {
    **EXPAND,
    "parameters": Hash(
        {
            "columns": Listed(Text()),
            "connected_account": Text(),
            "currency": Text(longest=3),
            "interval_end": Whole(),
            "interval_start": Whole(),
            "payout": Text(),
            "reporting_category": Text(),
            "timezone": Text(),
        }
    ),
    "report_type": Text(required=True),
}
REPORT_LIST: Members = {**PAGE, **CREATED}

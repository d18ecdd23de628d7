"""What a decline looks like: Stripe's decline codes, the words shown, the advice, and the network's own code.

The table is `rules.yaml`. A fault may name a decline by Stripe's word or by the ISO 8583 code behind it.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Decline:
    """`code` is `error.code`; `decline_code` is None only where Stripe gives none."""

    code: str
    decline_code: str | None
    message: str
    network_code: str | None
    advice: str | None
    param: str | None = None
    by_network: bool = True
    network_advice: str | None = None

    @property
    def reason(self) -> str:
        """The word that `charge.outcome.reason` and the journal show."""
        return self.decline_code or self.code


NETWORK_ADVICE = {
    "01": "confirm_card_data", "02": "try_again_later", "03": "do_not_try_again", "21": "do_not_try_again",
    "22": "do_not_try_again", "42": "do_not_try_again", "99": "do_not_try_again",
    **{str(code): "try_again_later" for code in range(24, 31)},
}  # fmt: skip
"""Mastercard merchant advice codes that a fault may add, and Stripe's advice for them."""


@cache
def _table() -> dict[str, Decline]:
    """Every decline by Stripe's word, by ISO code (the first that has it), and by the further codes of the file."""
    text = (Path(__file__).parent / "rules.yaml").read_text("utf-8")
    rows: dict[str, dict[str, Any]] = yaml.safe_load(text)["declines"]
    words: dict[str, Decline] = {}
    codes: dict[str, Decline] = {}
    for word, row in rows.items():
        if "means" in row:
            codes[word] = replace(words[row["means"]], network_code=word)
            continue
        own = row.get("own_code")
        words[word] = Decline(
            code=word if own else "card_declined",
            decline_code=None if own == "alone" else word,
            message=row.get("message", "Your card was declined."),
            network_code=row.get("iso"),
            advice=row.get("advice"),
            param=row.get("param"),
            by_network=not row.get("blocked", False),
        )
    for found in words.values():
        if found.network_code is not None:
            codes.setdefault(found.network_code, found)
    return {**codes, **words}


def decline_for(code: str, network_advice: str | None = None) -> Decline:
    """Return the decline for a Stripe word or for an ISO code. Raises KeyError for what `rules.yaml` does not have.

    `network_advice` is the two-digit advice of the network, e.g. Mastercard's "03"; it changes Stripe's advice too.
    """
    found = _table()[code]
    if network_advice is None:
        return found
    return replace(found, network_advice=network_advice, advice=NETWORK_ADVICE.get(network_advice, found.advice))

"""What forces an outcome at a simulator, for people: its magic values, its decline codes, what moves by hand."""

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from simulators.kit.accounts import World

Json = dict[str, Any]


def of_world(world: "World") -> Json:
    """`{triggers: [{when, then}], declines: [{code, iso, message}], actions: [{name, does}], lifecycle}`.

    The numbers among the triggers are the PSP's published test cards, as its `rules.yaml` and `magic()` have them.
    """
    raw = yaml.safe_load((world.spec.folder / "rules.yaml").read_text("utf-8")) or {}
    listed = [{"when": rule.get("when", {}), "then": rule["then"]} for rule in raw.get("triggers") or []]
    return {
        "simulator": world.slug,
        "triggers": [*world.spec.magic(), *listed],
        "declines": [
            {"code": one.code, "iso": one.iso, "message": one.message} for one in world.rules.declines.values()
        ],
        "actions": [
            {"name": name, "does": (action.__doc__ or "").strip().partition("\n")[0]}
            for name, action in world.spec.dialect.actions.items()
        ],
        "lifecycle": raw.get("lifecycle") or {},
    }

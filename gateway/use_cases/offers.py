"""What the providers offer, as the begin functions take it: declared by their connectors, decided under the lock."""

from gateway.use_cases.ports import ConnectorSpec, Json, Ports, ProviderAccount

AUTHORIZATION_GRACE_S = 86400.0
"""How long after an authorization ran out the PSP's own notice of it is waited for."""


def offers_of(ports: Ports) -> dict[str, list[str]]:
    """Capabilities by provider."""
    return {slug: sorted(spec.capabilities) for slug, spec in ports.connectors.specs.items()}


def refund_windows_of(ports: Ports) -> dict[str, float]:
    """Seconds after the authorization within which a provider takes refunds, where that is limited."""
    return {
        slug: spec.refund_window_s for slug, spec in ports.connectors.specs.items() if spec.refund_window_s is not None
    }


def hold_of(spec: ConnectorSpec, account: Json | ProviderAccount) -> Json:
    """`hold` of `payment_apply_v1`: how long the provider holds an authorization, and the grace after that, seconds.

    `settings.resolution` of the account may say otherwise (test profile only).
    """
    settings = account.settings if isinstance(account, ProviderAccount) else account.get("settings") or {}
    changed = settings.get("resolution") or {}
    return {
        "valid_s": float(changed.get("authorization_validity_s", spec.authorization_validity_s)),
        "grace_s": float(changed.get("authorization_grace_s", AUTHORIZATION_GRACE_S)),
    }

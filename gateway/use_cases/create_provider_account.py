"""A merchant's account at a PSP: where it is, and credentials that only the vault can open."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.card import Secret
from gateway.domain.errors import Complaint, Refused
from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import Egress, Json, Ports

CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class CreateProviderAccount:
    """`settings.resolution` (test profile only) overrides the connector's processing time and index lag, in seconds."""

    merchant: str
    provider: str
    base_url: str
    credentials: Mapping[str, Secret]
    settings: Mapping[str, object] = field(default_factory=dict)
    test: bool = False


@use_case
async def create_provider_account(ports: Ports, egress: Egress, command: CreateProviderAccount) -> Json:
    """Store the account and return its view; `webhook_path` is where the PSP's notifications go.

    Raises `Refused` (`unknown_provider`, `unknown_credential`, `setting_not_allowed`, `setting_missing`),
    `EgressRefused`.
    """
    try:
        spec = ports.connectors.get(command.provider).spec
    except LookupError:
        how = "use the slug of a provider that this gateway knows"
        raise _refuse("unknown_provider", "provider", "is not a provider of this gateway", how) from None
    if strange := sorted(set(command.credentials) - set(spec.credentials)):
        how = f"{spec.slug} takes: {', '.join(spec.credentials)}"
        raise _refuse("unknown_credential", f"credentials.{strange[0]}", "is no credential of this provider", how)
    if "resolution" in command.settings and not command.test:
        how = "leave it out: the connector's own times hold in production"
        raise _refuse("setting_not_allowed", "settings.resolution", "is for the test profile", how)
    if missing := [name for name in spec.settings if not isinstance(command.settings.get(name), str)]:
        how = f"{spec.slug} needs: {', '.join(spec.settings)}"
        raise _refuse("setting_missing", f"settings.{missing[0]}", "is missing or no text", how)
    base_url = command.base_url.rstrip("/")
    await egress.check(base_url, "base_url")
    account_id = new_id("pa")
    clear = json.dumps({name: secret.reveal() for name, secret in command.credentials.items()})
    ciphertext, key_id = await ports.vault.seal_text(command.merchant, account_id, CREDENTIALS, clear)
    view: Json = await ports.store.call(
        "provider_account_create_v1",
        command.merchant,
        {
            "account_id": account_id,
            "provider": command.provider,
            "base_url": base_url,
            "credentials_ciphertext": ciphertext,
            "key_id": key_id,
            "settings": dict(command.settings),
            "at": ports.clock.now().isoformat(),
        },
    )
    return view


def _refuse(code: str, where: str, what: str, how: str) -> Refused:
    return Refused(code, f"{where} {what}", (Complaint(where, what, how),))

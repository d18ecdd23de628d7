"""What the API takes. Unknown fields are refused; card data becomes a `Secret` while it is read."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from gateway.api.problems import ComplaintError
from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.domain.events import EVENT_TYPES
from gateway.domain.money import EXPONENTS, MAX_AMOUNT
from gateway.domain.threeds import Cavv, ThreeDsProof, is_cryptogram, is_transaction_id

# No control characters: PostgreSQL takes no NUL, and nothing that we store may break a log or a terminal.
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
ID = r"[0-9a-hjkmnp-tv-z]{26}"

Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=255, pattern=PRINTABLE)]
LongText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1000, pattern=PRINTABLE)]
Url = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2000, pattern=r"^https?://[!-~]+$")]
Amount = Annotated[
    int, Field(strict=True, ge=1, le=MAX_AMOUNT, description="In minor units of the currency", examples=[4200])
]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=PRINTABLE)]
MetadataValue = Annotated[str, StringConstraints(strict=True, max_length=500, pattern=PRINTABLE)]
Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    Field(max_length=50, description="Your own texts: 50 at most, never card data", examples=[{"order": "1001"}]),
]
PaymentId = Annotated[str, StringConstraints(strict=True, pattern=rf"^pay_{ID}$")]


def _currency(value: Any) -> Any:
    if not isinstance(value, str) or value not in EXPONENTS:
        raise ComplaintError("is not a currency of ISO 4217", "send three capital letters, such as EUR")
    return value


Currency = Annotated[
    str,
    BeforeValidator(_currency),
    WithJsonSchema({"type": "string", "enum": sorted(EXPONENTS), "description": "ISO 4217", "examples": ["EUR"]}),
]


def _secret(kind: type[Secret], longest: int) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        # The value goes into its Secret before any error could carry it.
        if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.isascii():
            raise ComplaintError(f"is not a text of 1 to {longest} plain characters", "send it as a JSON string")
        return kind(value)

    return read


PanField = Annotated[
    Pan,
    BeforeValidator(_secret(Pan, 32)),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[0-9]{12,19}$",
            "description": "Digits only; the check digit must be right",
            "examples": ["4242424242424242"],
        }
    ),
]
CvvField = Annotated[
    Cvv,
    BeforeValidator(_secret(Cvv, 8)),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{3,4}$", "examples": ["123"], "writeOnly": True}),
]
SecretField = Annotated[
    Secret,
    BeforeValidator(_secret(Secret, 1000)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1000, "writeOnly": True}),
]


class Body(BaseModel):
    """Base of every request body. Errors never show an input."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class CardBody(Body):
    """A card as its owner typed it."""

    number: PanField
    exp_month: Annotated[int, Field(strict=True, ge=1, le=12, examples=[12])]
    exp_year: Annotated[int, Field(strict=True, ge=2000, le=2099, examples=[2030])]
    cvc: CvvField | None = None
    holder_name: Text | None = None

    def secret(self) -> CardSecret:
        """The same as the domain takes it."""
        return CardSecret(self.number, self.exp_month, self.exp_year, self.cvc, self.holder_name)


class CreateTokenBody(Body):
    """A card to exchange for a token."""

    card: CardBody


def _cavv(value: Any) -> Any:
    # The value goes into its Secret before any error could carry it.
    if not isinstance(value, str) or not is_cryptogram(value):
        raise ComplaintError("is not base64 of 20 bytes", "send the authentication value as the authentication gave it")
    return Cavv(value)


def _uuid(value: Any) -> Any:
    if not isinstance(value, str) or not is_transaction_id(value):
        raise ComplaintError("is not a UUID", "send the directory server's transaction id")
    return value


_CRYPTOGRAM = {"type": "string", "pattern": "^[A-Za-z0-9+/]{27}=$", "description": "Base64 of 20 bytes"}


class ThreeDsBody(Body):
    """The proof of an authentication made elsewhere. Every PSP that is asked gets it; it is not kept."""

    version: Annotated[Literal["2.1.0", "2.2.0", "2.3.0", "2.3.1"], Field(description="Of the 3-D Secure protocol")]
    eci: Annotated[Literal["01", "02", "05", "06"], Field(description="As the card's brand gives it")]
    cavv: Annotated[Cavv, BeforeValidator(_cavv), WithJsonSchema(_CRYPTOGRAM | {"writeOnly": True})]
    ds_transaction_id: Annotated[
        str, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid", "description": "Of the DS"})
    ]
    xid: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9+/]{27}=$")] | None = None

    def proof(self) -> ThreeDsProof:
        """The same as the domain takes it."""
        return ThreeDsProof(self.version, self.eci, self.cavv, self.ds_transaction_id, self.xid)


def _one_of_token_and_card(schema: dict[str, Any]) -> None:
    schema["oneOf"] = [{"required": ["token"]}, {"required": ["card"]}]


class CreatePaymentBody(Body):
    """What to charge, and from which card: a token, or the card itself."""

    model_config = ConfigDict(json_schema_extra=_one_of_token_and_card)

    amount: Amount
    currency: Currency
    token: Annotated[str, StringConstraints(strict=True, pattern=rf"^tok_{ID}$")] | None = None
    card: CardBody | None = None
    capture_method: Annotated[
        Literal["automatic", "manual"], Field(description="`manual` reserves the amount until it is captured")
    ] = "automatic"
    reference: Text | None = None
    description: LongText | None = None
    metadata: Metadata = {}
    network_transaction_id: (
        Annotated[
            str,
            StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_-]{9,36}$"),
            Field(description="The merchant initiates this, on what the shopper agreed to in that network transaction"),
        ]
        | None
    ) = None
    three_ds: ThreeDsBody | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.token is None) == (self.card is None):
            raise ComplaintError("has both or none of token and card", "send exactly one of them")
        if self.network_transaction_id is not None and self.card is not None and self.card.cvc is not None:
            raise ComplaintError("has a cvc and a network_transaction_id", "leave the cvc out: nobody is there for it")
        return self


class CaptureBody(Body):
    """How much to take; all that is left if no amount is given."""

    amount: Amount | None = None
    final: Annotated[bool, Field(strict=True, description="Release what remains after this capture")] = True


class ReauthorizeBody(Body):
    """How much to reserve again; all that is authorized and not captured if no amount is given."""

    amount: Amount | None = None


class CancelBody(Body):
    """Why, in your own words."""

    reason: Text | None = None


class RefundBody(Body):
    """How much to give back; all that is left if no amount is given."""

    payment: PaymentId
    amount: Amount | None = None
    reason: Text | None = None
    metadata: Metadata = {}


Mcc = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[0-9]{4}$"),
    Field(description="Merchant category code, ISO 18245: four digits", examples=["5411"]),
]
Country = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166-1", examples=["DE"])
]


class CreateMerchantBody(Body):
    """A new tenant: what it trades in and where, where that is known."""

    name: Text
    mcc: Mcc | None = None
    country: Country | None = None


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class UpdateMerchantBody(Body):
    """What changes. A field that is left out stays; null forgets it. A merchant always has a name."""

    name: Annotated[Text, Field(json_schema_extra=_without_default)] = ""
    mcc: Mcc | None = None
    country: Country | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ComplaintError("changes nothing", "name at least one field")
        return self


def _event_filter(value: Any) -> Any:
    if value != "*" and value not in EVENT_TYPES:
        raise ComplaintError("is neither an event type nor *", "see the enum in /openapi.json")
    return value


EventFilter = Annotated[
    str,
    BeforeValidator(_event_filter),
    WithJsonSchema({"type": "string", "enum": ["*", *EVENT_TYPES], "description": "An event type, or `*` for all"}),
]
EnabledEvents = Annotated[tuple[EventFilter, ...], Field(min_length=1, max_length=len(EVENT_TYPES) + 1)]


class CreateWebhookEndpointBody(Body):
    """Where events go, and which."""

    url: Annotated[Url, Field(examples=["http://127.0.0.1:9/hook"])]
    enabled_events: EnabledEvents = ("*",)


class UpdateWebhookEndpointBody(Body):
    """What is left out stays as it is."""

    url: Annotated[Url, Field(examples=["http://127.0.0.1:9/hook"])] | None = None
    enabled_events: EnabledEvents | None = None
    status: Literal["enabled", "disabled"] | None = None


class ResolutionBody(Body):
    """Test profile only: seconds that stand in for the connector's own."""

    max_processing_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    index_lag_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    unknown_window_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    authorization_validity_s: Annotated[float, Field(ge=0, le=31_536_000)] | None = None
    authorization_grace_s: Annotated[float, Field(ge=0, le=31_536_000)] | None = None


Scalar = Annotated[str, StringConstraints(strict=True, max_length=500, pattern=PRINTABLE)] | bool | int


class AccountSettingsBody(BaseModel):
    """Settings of this provider, flat."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Scalar]

    resolution: ResolutionBody | None = None

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = self.__pydantic_extra__
        if len(names) > 20 or not all(name.isidentifier() and name.isascii() and len(name) < 64 for name in names):
            raise ComplaintError("has more than 20 settings or odd names", "use names of letters, digits and _")
        if any(isinstance(value, int) and abs(value) > MAX_AMOUNT for value in names.values()):
            raise ComplaintError("has a number out of range", "use smaller numbers")
        return self


CredentialName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class CreateProviderAccountBody(Body):
    """Your account at a PSP. Credentials are sealed on arrival and never shown again."""

    provider: Annotated[
        str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]{1,30}$"), Field(examples=["dummypay"])
    ]
    base_url: Annotated[Url, Field(examples=["http://127.0.0.1:12111"])]
    credentials: Annotated[
        dict[CredentialName, SecretField],
        Field(
            min_length=1, max_length=10, examples=[{"api_key": "key_at_the_psp", "webhook_secret": "whsec_at_the_psp"}]
        ),
    ]
    settings: AccountSettingsBody = AccountSettingsBody.model_validate({})


ProviderOrAccount = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]{1,40}$")]

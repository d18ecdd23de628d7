"""What a request may hold: each object's fields with their types, checked as Adyen does.

An unknown field, or a value of another type, is error 702; a missing field has an error of its own (`errors.missing`).
Messages name fields and never repeat values: a value may be a card number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Union

from simulators.adyen import errors

Json = dict[str, Any]
Kind = Union[str, tuple[str, ...], "Struct", list["Struct"]]
"""`string`, `integer`, `boolean`, `map` (names to scalars), `array`, `any`; a tuple of allowed words; an object; a
list of such objects."""

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "map": (dict,),
    "array": (list,),
    "any": (object,),
}


@dataclass(frozen=True, slots=True)
class Struct:
    """An object by Adyen's own name of it. `required` are checked by the handlers, in Adyen's order."""

    name: str
    fields: Mapping[str, Kind]
    required: tuple[str, ...] = field(default=())


def check(struct: Struct, value: Any, where: str = "") -> None:
    """Compare `value` with its description, all the way down. Raises Refusal."""
    if not isinstance(value, dict):
        _unexpected(where or struct.name, "object")
    unknown = [name for name in value if name not in struct.fields]
    if unknown:
        errors.refuse(
            400, "702", f"Structure of {struct.name} contains the following unknown fields: [{', '.join(unknown)}]"
        )
    for name, item in value.items():
        if item is not None:
            _check_kind(struct.fields[name], item, name)


def _check_kind(kind: Kind, item: Any, name: str) -> None:
    if isinstance(kind, Struct):
        check(kind, item, name)
    elif isinstance(kind, list):
        if not isinstance(item, list):
            _unexpected(name, "array")
        for element in item:
            check(kind[0], element, name)
    elif isinstance(kind, tuple):
        if item not in kind:
            _unexpected(name, " | ".join(kind))
    elif not isinstance(item, _TYPES[kind]) or (kind == "integer" and isinstance(item, bool)):
        _unexpected(name, kind)
    elif kind == "map":
        _check_map(item, name)


def _check_map(item: Any, name: str) -> None:
    if not all(isinstance(entry, str | int | bool) for entry in item.values()):
        _unexpected(name, "map of strings")


def _unexpected(name: str, expected: str) -> NoReturn:
    errors.refuse(400, "702", f"Unexpected input in field '{name}', expected: {expected}")


def _strings(names: str) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), "string")


def _any(names: str) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), "any")


AMOUNT = Struct("Amount", {"currency": "string", "value": "integer"}, ("currency", "value"))

MODELS = ("CardOnFile", "Subscription", "UnscheduledCardOnFile")
INTERACTIONS = ("Ecommerce", "ContAuth", "Moto", "POS")

CARD = Struct(
    "CardDetails",
    {
        **_strings(
            "billingSequenceNumber brand checkoutAttemptId cupsecureplus.smscode cvc encryptedCard encryptedCardNumber "
            "encryptedExpiryMonth encryptedExpiryYear encryptedPassword encryptedSecurityCode expiryMonth expiryYear "
            "fastlaneData fundingSource holderName networkPaymentReference number recurringDetailReference sdkData "
            "shopperNotificationReference srcCorrelationId srcDigitalCardId srcScheme srcTokenReference "
            "storedPaymentMethodId threeDS2SdkVersion type"
        )
    },
)
REDIRECT_METHOD = Struct("IdealDetails", _strings("type issuer checkoutAttemptId sdkData"))

THREE_DS_REQUEST = Struct(
    "ThreeDSRequestData",
    {
        "challengeWindowSize": ("01", "02", "03", "04", "05"),
        "dataOnly": ("false", "true"),
        "nativeThreeDS": ("preferred", "disabled"),
        "threeDSVersion": ("2.1.0", "2.2.0"),
    },
)
AUTHENTICATION = Struct(
    "AuthenticationData",
    {
        "attemptAuthentication": ("always", "never"),
        "authenticationOnly": "boolean",
        "threeDSRequestData": THREE_DS_REQUEST,
    },
)
MPI = Struct(
    "ThreeDSecureData",
    {
        "authenticationResponse": ("Y", "N", "U", "A"),
        "directoryResponse": ("A", "C", "D", "I", "N", "R", "U", "Y"),
        **_strings(
            "cavv cavvAlgorithm challengeCancel dsTransID eci riskScore threeDSVersion transStatusReason xid "
            "tokenAuthenticationVerificationValue"
        ),
    },
)
BROWSER = Struct(
    "BrowserInfo",
    {
        **_strings("acceptHeader language userAgent"),
        **dict.fromkeys(("colorDepth", "screenHeight", "screenWidth", "timeZoneOffset"), "integer"),
        **dict.fromkeys(("javaEnabled", "javaScriptEnabled"), "boolean"),
    },
)
SHOPPER_NAME = Struct("ShopperName", _strings("firstName lastName"))

_PAYMENT_STRINGS = (
    "checkoutAttemptId conversionId countryCode dateOfBirth deliverAt deliveryDate deviceFingerprint mcc "
    "merchantAccount merchantOrderReference orderReference origin recurringExpiry recurringFrequency "
    "redirectFromIssuerMethod redirectToIssuerMethod reference returnUrl sessionValidity shopperConversionId "
    "shopperEmail shopperIP shopperLocale shopperReference shopperStatement socialSecurityNumber store "
    "telephoneNumber"
)
_PAYMENT_UNUSED = (
    "accountInfo additionalAmount applicationInfo bankAccount billingAddress company dccQuote deliveryAddress "
    "enhancedSchemeData fraudOffset fundOrigin fundRecipient installments lineItems localizedShopperStatement mandate "
    "merchantRiskIndicator order paymentValidations platformChargebackLogic riskData shopperTaxInfo splits "
    "subMerchants surcharge"
)
PAYMENT = Struct(
    "PaymentRequest",
    {
        **_strings(_PAYMENT_STRINGS),
        **_any(_PAYMENT_UNUSED),
        "additionalData": "map",
        "amount": AMOUNT,
        "authenticationData": AUTHENTICATION,
        "browserInfo": BROWSER,
        "captureDelayHours": "integer",
        "channel": ("iOS", "Android", "Web"),
        **dict.fromkeys(
            ("enableOneClick", "enablePayOut", "enableRecurring", "storePaymentMethod", "threeDSAuthenticationOnly",
             "trustedShopper"), "boolean",
        ),
        "entityType": ("NaturalPerson", "CompanyName"),
        "industryUsage": ("delayedCharge", "installment", "noShow"),
        "metadata": "map",
        "mpiData": MPI,
        "paymentMethod": "any",  # its description depends on its type: see `cards.method_of`
        "recurringProcessingModel": MODELS,
        "shopperInteraction": INTERACTIONS,
        "shopperName": SHOPPER_NAME,
        "threeDS2RequestData": "any",
    },
    ("merchantAccount", "amount", "reference", "paymentMethod", "returnUrl"),
)  # fmt: skip

DETAILS = Struct(
    "PaymentDetailsRequest",
    {
        "authenticationData": AUTHENTICATION,
        "details": Struct(
            "PaymentCompletionDetails",
            _strings(
                "MD PaReq PaRes authorization_token billingToken cupsecureplus.smscode facilitatorAccessToken "
                "oneTimePasscode orderID payerID payload paymentID paymentStatus redirectResult resultCode "
                "returnUrlQueryString threeDSResult threeds2.challengeResult threeds2.fingerprint vaultToken"
            ),
        ),
        "paymentData": "string",
        "threeDSAuthenticationOnly": "boolean",
    },
    ("details",),
)


def _modification(name: str, more: Mapping[str, Kind], required: tuple[str, ...] = ()) -> Struct:
    unused = "applicationInfo enhancedSchemeData lineItems platformChargebackLogic splits subMerchants"
    return Struct(
        name, {**_strings("merchantAccount reference"), **_any(unused), **more}, ("merchantAccount", *required)
    )


REASONS = ("FRAUD", "CUSTOMER REQUEST", "RETURN", "DUPLICATE", "OTHER")
CAPTURE = _modification("PaymentCaptureRequest", {"amount": AMOUNT}, ("amount",))
CANCEL = _modification("PaymentCancelRequest", {})
REVERSAL = _modification("PaymentReversalRequest", {})
TECHNICAL_CANCEL = _modification(
    "StandalonePaymentCancelRequest", {"paymentReference": "string"}, ("paymentReference",)
)
REFUND = _modification(
    "PaymentRefundRequest",
    {"amount": AMOUNT, "capturePspReference": "string", "merchantRefundReason": REASONS, "store": "string"},
    ("amount",),
)
UPDATE = _modification(
    "PaymentAmountUpdateRequest",
    {"amount": AMOUNT, "industryUsage": ("delayedCharge", "installment", "noShow")},
    ("amount",),
)

METHODS = Struct(
    "PaymentMethodsRequest",
    {
        **_strings(
            "countryCode merchantAccount shopperConversionId shopperEmail shopperIP shopperLocale shopperReference "
            "store storeFiltrationMode telephoneNumber"
        ),
        **_any("order splitCardFundingSources browserInfo"),
        "additionalData": "map",
        "allowedPaymentMethods": "array",
        "amount": AMOUNT,
        "blockedPaymentMethods": "array",
        "channel": ("iOS", "Android", "Web"),
    },
    ("merchantAccount",),
)
STORE = Struct(
    "StoredPaymentMethodRequest",
    {
        **_strings("merchantAccount shopperEmail shopperIP shopperReference"),
        "paymentMethod": "any",
        "recurringProcessingModel": MODELS,
    },
    ("merchantAccount", "paymentMethod", "recurringProcessingModel", "shopperReference"),
)
CARD_DETAILS = Struct(
    "CardDetailsRequest",
    {**_strings("cardNumber countryCode encryptedCardNumber merchantAccount"), "supportedBrands": "array"},
    ("merchantAccount",),
)
SESSION = Struct(
    "CreateCheckoutSessionRequest",
    {
        **{name: kind for name, kind in PAYMENT.fields.items() if name != "paymentMethod"},
        **_any("installmentOptions showInstallmentAmount showRemovePaymentMethodButton splitCardFundingSources"),
        **_strings("expiresAt storeFiltrationMode themeId"),
        "allowedPaymentMethods": "array",
        "blockedPaymentMethods": "array",
        "mode": ("embedded", "hosted"),
        "storePaymentMethodMode": ("askForConsent", "disabled", "enabled"),
    },
    ("merchantAccount", "amount", "reference", "returnUrl"),
)

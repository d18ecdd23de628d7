"""Checkout.com's response codes and error codes → our reasons, as tables.

Response codes: the public page "API response codes". 200xx and 300xx carry the network's own code behind their first
three digits (20 soft, 30 hard), 201xx are the gateway's, 4xxxx the risk engine's. Where a row could be read two ways it
is the careful one: what names a rule, a missing step or a doubt of somebody's never cascades (RET-01). Left out, so
unmapped and never tried again, are those that say too little: 20032 (completed partially), 20099 (other), 20118,
20199 (pending).
"""

from gateway.domain.decline import DeclineReason as R

_CODES: dict[R, str] = {
    R.GENERIC_DECLINE: "20001 20002 20005 20021 20046",
    R.INSUFFICIENT_FUNDS: "20051",
    R.LIMIT_EXCEEDED: "20061 20065 200P1 200P9 20121 30021 30022",
    R.ISSUER_UNAVAILABLE: "20068 20091 20092 200A6",
    R.SYSTEM_ERROR: "20019 20020 20022 20028 20090 20096 20098 200E3",
    R.EXPIRED_CARD: "20054",
    R.INVALID_CARD: "20014 20055 20056 20087 20100 20101 20108 20114 30015",
    R.INCORRECT_CVC: "200N7 20124",
    R.AUTHENTICATION_REQUIRED: "20070 20150 20153 20154 20159 43401",
    R.AUTHENTICATION_FAILED: "20151 20152 20155",
    R.LOST_CARD: "30041",
    R.STOLEN_CARD: "30043",
    R.PICKUP_CARD: "20004 20067 30004 30007 30033 30035 30037 30038",
    R.SUSPECTED_FRAUD: (
        "20059 20066 30034 41101 41201 41202 41203 41204 41205 41206 41301 42101 42201 42202 42203 42204 42205 42206 "
        "42301 43101 43102 43201 43202 43203 43204 43205 43206 43301"
    ),
    R.NOT_PERMITTED: (
        "20015 20016 20017 20018 20023 20031 20038 20039 20040 20042 20044 20045 20052 20053 20057 20058 2005C 20060 "
        "20063 2006P 20072 20075 20078 20081 20082 20083 20084 20085 20086 20088 20089 20093 20095 20097 2009G 200A4 "
        "200A5 200E0 200E2 200N0 200S4 200T3 200T5 20103 20106 20156 20158 20179 20182 20183 30016 30017 30018 30019 "
        "30044 30046 50003"
    ),
    R.RESTRICTED_CARD: "20062 30036",
    R.REVOKED_AUTHORIZATION: "200R1 200R3",
    R.INVALID_REQUEST: (
        "20003 20006 20009 20012 20013 20024 20025 20026 20027 20029 20030 20033 20064 20094 200T2 20102 20104 20105 "
        "20107 20109 20110 20111 20112 20113 20115 20116 20117 20119 20120 20122 20123 20157 20193 20197 30020 30045 "
        "30401 30402 30403 30404 30405"
    ),
}

DECLINES: dict[str, R] = {code: reason for reason, codes in _CODES.items() for code in codes.split()}
"""By `response_code`."""

ERRORS: dict[str, R] = {
    "card_number_invalid": R.INVALID_CARD,
    "card_number_required": R.INVALID_CARD,
    "card_expiry_month_invalid": R.INVALID_CARD,
    "card_expiry_year_invalid": R.INVALID_CARD,
    "card_expired": R.EXPIRED_CARD,
    "cvv_invalid": R.INCORRECT_CVC,
}
"""By `error_codes` of a 422: what is the shopper's to mend. All others are ours: `invalid_request`."""

_SOFT = (
    "01 02 03 05 06 09 12 13 14 19 21 25 28 30 39 40 44 51 52 53 54 55 57 58 59 5C 61 62 63 64 65 68 6P 70 72 75 78 81 "
    "87 91 92 93 94 96 9G N0 N7 P1 P9 R1 R3"
)
_HARD = "04 07 15 33 34 35 36 37 38 41 43 46"

NETWORK_CODES: dict[str, str] = (
    {f"200{code}": code for code in _SOFT.split()}
    | {f"300{code}": code for code in _HARD.split()}
    | {"20154": "1A", "20179": "79", "20182": "82", "20183": "83"}
)
"""The issuer's ISO 8583 code behind a `response_code`, where it is one."""

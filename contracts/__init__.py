"""Contracts: what each connector needs of its PSP, and what consumers need of our events, as Pact files.

`README.md` says how. Nothing imports this package; it may import both sides of a contract.
"""

import os

# Before anything of Pact is imported: its native library reports usage otherwise, and `1` does not stop it.
os.environ["PACT_DO_NOT_TRACK"] = "true"

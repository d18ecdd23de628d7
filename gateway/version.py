"""Which Payera this is, where it is installed as a package and where it runs from its folder (the image)."""

VERSION = "0.1.0"
"""As pyproject.toml has it; tests/unit/test_house.py compares."""

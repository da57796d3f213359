"""Bundles: one elite as a folder of text and pictures that others can use, check and trust.

Nothing in a bundle is ever unpickled or imported; its program runs in the sandbox only.
"""

from generators.bundle.content import SCHEMA, Bundle, Population
from generators.bundle.source import write_pointer
from generators.bundle.trust import check_trust, load, read_bundle
from generators.bundle.verify import Verification, verify_bundle
from generators.bundle.write import swap, write_bundle

__all__ = [
    "SCHEMA",
    "Bundle",
    "Population",
    "Verification",
    "check_trust",
    "load",
    "read_bundle",
    "swap",
    "verify_bundle",
    "write_bundle",
    "write_pointer",
]

"""The one family of errors that Gamut raises on purpose."""


class GamutError(Exception):
    """Something that Gamut knows how to explain: what was wrong, where, and what to do."""


class InputError(GamutError):
    """What the user gave (a file, an option, a bundle) is wrong. The command line exits with 2."""

"""The commands of `gamut`, a module a subject."""

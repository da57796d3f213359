"""Contexts: the traits that a population is to cover, as a file, a model and a public view."""

from generators.context.check import Finding, check_context
from generators.context.halves import guide_and_report
from generators.context.load import dump_context, load_context, read_context
from generators.context.model import SCHEMA, Axis, Context, Hidden, Item, Signs
from generators.context.overlap import overlaps
from generators.context.split import split_context
from generators.context.view import View, public_view

__all__ = [
    "SCHEMA",
    "Axis",
    "Context",
    "Finding",
    "Hidden",
    "Item",
    "Signs",
    "View",
    "check_context",
    "dump_context",
    "guide_and_report",
    "load_context",
    "overlaps",
    "public_view",
    "read_context",
    "split_context",
]

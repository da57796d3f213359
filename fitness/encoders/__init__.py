"""Encoders: sentences to vectors."""

from fitness.encoders.base import HEADS, Encoder
from fitness.encoders.e5 import E5
from fitness.encoders.minilm import MiniLM

__all__ = ["E5", "HEADS", "Encoder", "MiniLM"]

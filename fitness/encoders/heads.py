"""Trained heads on the encoder's token states: how far a sentence is meant, is it one, and whose.

Three numbers a sentence that pooled embeddings hardly hold. They read the states of each token at
the encoder's end and in its middle, where word order is still plain; `with_middle` makes the
default encoder hand these out. `benchmarks/train_heads.py` makes the weights; the card beside them
(heads.json) says from what and how well they do.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitness.encoders.onnx_file import open_session
from generators.errors import GamutError

WEIGHTS = Path(__file__).with_suffix(".onnx")
CARD = Path(__file__).with_suffix(".json")
SCHEMA = "gamut/heads/1"

MIDDLE = "layer_norm_6"  # the output of the third of six layers, in the default encoder's file
TokenStates = NDArray[np.float32]
_REPAIR = "reinstall Gamut or run benchmarks/train_heads.py"


@dataclass(frozen=True)
class HeadValues:
    """What the heads say of one sentence, each in [0, 1].

    Attributes:
        degree: how far what it says of its subject is meant; 0 is denied, 1 plainly asserted.
        well_formed: how likely it is a sentence and not words thrown together.
        own: how likely it speaks of the persona and not of somebody or something else.
    """

    degree: float
    well_formed: float
    own: float


class Heads:
    """The shipped heads for one encoder, one thread."""

    def __init__(self, encoder: str, weights: Path = WEIGHTS, card: Path = CARD) -> None:
        """Takes the encoder's fingerprint; heads trained on another encoder are refused."""
        content = _card(card)
        try:
            data = weights.read_bytes()
        except OSError as error:
            raise GamutError(f"{weights}: cannot be read ({error.strerror}); {_REPAIR}") from error
        if content.get("weights_sha256") != hashlib.sha256(data).hexdigest():
            raise GamutError(f"{weights}: the checksum is not the one in {card.name}; {_REPAIR}")
        if content.get("encoder") != encoder:
            raise GamutError(
                f"{weights}: trained on the encoder {content.get('encoder')}, not on {encoder}; "
                "use the default embedder, or train heads for this one with "
                "benchmarks/train_heads.py"
            )
        self.fingerprint = f"heads-{content['weights_sha256'][:16]}"
        self._session = open_session(data, str(weights))

    def __call__(self, middle: TokenStates, end: TokenStates) -> HeadValues:
        """The values of one sentence from its states, both float32 [T, 384], unpooled and with
        the tokens that begin and end it."""
        given = {"middle": middle, "end": end}
        degree, well_formed, own = self._session.run(None, given)[0].tolist()
        return HeadValues(degree, well_formed, own)


def with_middle(model: bytes) -> bytes:
    """The default encoder's ONNX file with a second output, the states in its middle.

    Messages of protocol buffers that stand one after the other are merged, so one more output is
    declared by a few bytes at the end: ModelProto.graph (field 7) with GraphProto.output (12), a
    ValueInfoProto with a name (1) and the type (2) of a tensor of float (1, 1). What the model
    computes stays the same to the bit.
    """
    value = _field(1, MIDDLE.encode()) + _field(2, _field(1, b"\x08\x01"))
    return model + _field(7, _field(12, value))


def _field(number: int, payload: bytes) -> bytes:
    """One length-delimited field of a protocol buffer, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload


def text_digest(text: str) -> str:
    """How the card names a text: by its lower-case words alone, hashed."""
    words = " ".join(re.findall(r"[^\W_]+", text.casefold()))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _card(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GamutError(f"{file}: cannot be read as JSON ({error}); {_REPAIR}") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise GamutError(f"{file}: is not a card of schema {SCHEMA}; {_REPAIR}")
    return content

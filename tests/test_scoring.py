"""Scorecards, what they promise, and the reference population that rare combinations need."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import People

import fitness
from fitness.embedding import Caches
from fitness.reference import NAIVE, kept_rows, make_reference
from fitness.respondents import Agreement, Projection
from fitness.scoring import Scorecard, Scorer
from fitness.service import open_scorer
from generators.context import Context, dump_context
from generators.errors import GamutError, InputError
from generators.persona import Persona
from generators.sandbox import Sandbox

COMMON = {
    "combination_coverage_2", "hull_volume", "mean_pairwise", "min_pairwise", "dispersion", "kl",
    "missing", "ball_coverage",
}  # fmt: skip
NAMES = {
    2: COMMON | {"rare_combination_coverage_2"},
    3: COMMON | {"combination_coverage_3", "rare_combination_coverage_3"},
}


def told(context: Context) -> list[str]:
    """Texts with three statements of one pole an axis: every corner of the trait space."""
    texts = [""]
    for axis in context.axes:
        assert axis.hidden is not None
        poles = axis.hidden.low, axis.hidden.high
        texts = [
            f"{text} {' '.join(pole[(start + i) % len(pole)] for i in range(3))}"
            for start, text in enumerate(texts)
            for pole in poles
        ]
    return texts


@pytest.fixture(scope="module")
def scorers(companion: Context, elders: Context, caches: Caches) -> dict[int, Scorer]:
    """Scorers by their number of axes, with an empty reference: all combinations weigh alike."""
    return {
        len(context.axes): Scorer(context, Projection(context, caches), [])
        for context in (companion, elders)
    }


@pytest.fixture(scope="module")
def corners(scorers: dict[int, Scorer], people: People) -> dict[int, list[Persona]]:
    return {axes: people(told(scorer.context)) for axes, scorer in scorers.items()}


def printed(card: Scorecard) -> dict[str, object]:
    """What a script reads from the scorecard's JSON; NaN and infinities are refused."""
    plain: dict[str, object] = json.loads(json.dumps(card.as_json(), allow_nan=False))
    return plain


def checked(card: Scorecard, axes: int, personas: int, asked: int) -> None:
    """What the contract promises of every scorecard."""
    plain = card.as_json()
    assert list(plain) == ["context", "n", "axes", "points", "metrics", "gates", "verdict"]
    assert printed(card) == plain
    assert plain["n"] == asked
    assert len(plain["axes"]) == axes
    assert len(plain["points"]) == personas
    for row in plain["points"]:
        assert len(row) == axes
        assert all(level is None or 0 <= level <= 1 for level in row)
    credited = {f"credited_{name}" for name in NAMES[axes] if "coverage" in name}
    assert set(plain["metrics"]) - {"fidelity"} == NAMES[axes] | credited
    assert all(set(measure) == {"value", "se"} for measure in plain["metrics"].values())
    assert plain["gates"]
    assert all(0 <= share <= 1 for share in plain["gates"].values())
    assert plain["verdict"].endswith(".")
    assert "\n" not in plain["verdict"]
    rare = plain["metrics"][f"rare_combination_coverage_{min(3, axes)}"]["value"]
    assert 0 <= card.objective <= rare + 1e-12


@pytest.mark.parametrize("axes", [2, 3])
def test_the_json_is_that_of_the_contract(
    axes: int, scorers: dict[int, Scorer], corners: dict[int, list[Persona]]
) -> None:
    card = scorers[axes].scorecard(corners[axes])
    checked(card, axes, 2**axes, 2**axes)
    assert card.context == scorers[axes].context.id
    assert card.axes == tuple(axis.id for axis in scorers[axes].context.axes)
    assert card.metrics["missing"].value == 0
    assert card.metrics[f"combination_coverage_{axes}"].value > 0.6 * 2**axes / 3**axes


@pytest.mark.parametrize("axes", [2, 3])
def test_the_verdict_is_one_sentence_with_the_covered_share(
    axes: int, scorers: dict[int, Scorer], corners: dict[int, list[Persona]]
) -> None:
    card = scorers[axes].scorecard(corners[axes])
    covered = card.metrics[f"combination_coverage_{axes}"].value
    assert card.verdict.startswith(f"Covers {covered:.0%} of all {axes}-way combinations")
    assert card.verdict.count(". ") == 0
    silent = scorers[axes].scorecard(
        [
            *corners[axes],
            corners[axes][0].model_copy(
                update={
                    "description": "The kettle stands on the shelf beside the blue cups and plates."
                }
            ),
        ]
    )
    assert "cannot be read" in silent.verdict
    assert "cannot be read" not in card.verdict


@pytest.mark.parametrize("axes", [2, 3])
def test_nobody_covers_nothing(axes: int, scorers: dict[int, Scorer]) -> None:
    for asked in (None, 5):
        card = scorers[axes].scorecard([], asked)
        checked(card, axes, 0, asked or 0)
        assert card.objective == 0
        assert card.metrics["missing"].value == 1


def test_one_persona_covers_one_combination(
    scorers: dict[int, Scorer], corners: dict[int, list[Persona]]
) -> None:
    card = scorers[3].scorecard(corners[3][:1])
    checked(card, 3, 1, 1)
    assert card.metrics["combination_coverage_3"].value == pytest.approx(1 / 27)
    assert "1 persona," in card.verdict


def test_a_persona_that_says_nothing_is_missing(scorers: dict[int, Scorer], people: People) -> None:
    card = scorers[3].scorecard(people(["🙂"]))
    checked(card, 3, 1, 1)
    assert card.points == ((None, None, None),)
    assert card.objective == 0


def test_fewer_than_asked_for_count_as_missing_and_more_are_refused(
    scorers: dict[int, Scorer], corners: dict[int, list[Persona]]
) -> None:
    card = scorers[3].scorecard(corners[3], asked=16)
    checked(card, 3, 8, 16)
    assert card.metrics["missing"].value == 0.5
    assert "16 personas" in card.verdict
    with pytest.raises(GamutError, match="only 3 personas were asked for"):
        scorers[3].scorecard(corners[3], asked=3)


@pytest.mark.parametrize("axes", [2, 3])
def test_one_persona_under_many_names_earns_no_more_than_one(
    axes: int, scorers: dict[int, Scorer], corners: dict[int, list[Persona]]
) -> None:
    earned = []
    for one in corners[axes]:
        names = ["Ann Hill", "Bo Marsh", "Cy Wood", "Di Lake"]
        many = [
            one.model_copy(
                update={"id": name, "name": name, "description": f"{name}.{one.description}"}
            )
            for name in names
        ]
        single = scorers[axes].scorecard(many[:1])
        several = scorers[axes].scorecard(many)
        earned.append(single.objective)
        assert several.objective <= single.objective
        assert several.gates["near_duplicate"] > 0
        checked(several, axes, 4, 4)
    assert max(earned) > 0


def test_gates_never_null_a_point(
    scorers: dict[int, Scorer], corners: dict[int, list[Persona]]
) -> None:
    doubled = [*corners[3], *corners[3]]
    card = scorers[3].scorecard(doubled)
    assert card.points[:8] == card.points[8:]
    assert "fail a gate" in card.verdict
    assert card.objective <= scorers[3].scorecard(corners[3]).objective


def test_one_sentence_earns_nothing_for_the_objective(
    companion: Context, scorers: dict[int, Scorer], people: People
) -> None:
    hidden = [axis.hidden for axis in companion.axes]
    told = [" ".join(h.high[at] for h in hidden if h) for at in range(6)]
    cards = [scorers[3].scorecard(people([text])) for text in told]
    assert any(card.metrics["combination_coverage_3"].value > 0 for card in cards)
    assert all(card.objective == 0 for card in cards)


def test_rare_combinations_weigh_more(
    elders: Context, caches: Caches, corners: dict[int, list[Persona]]
) -> None:
    reader = Projection(elders, caches)
    row = reader.read(corners[2][:1]).levels[0]
    common = Scorer(elders, reader, [row] * 100)
    name = "rare_combination_coverage_2"
    usual = common.scorecard(corners[2][:1]).metrics[name].value
    rare = common.scorecard(corners[2][-1:]).metrics[name].value
    assert usual < 1 / 9 < rare


def test_an_unknown_respondent_is_refused(companion: Context, people: People) -> None:
    with pytest.raises(InputError, match="respondent 'tarot' is not known; known: agreement"):
        fitness.score(people(["I eat alone."]), companion, respondent="tarot")


def test_a_context_without_hidden_part_is_refused(companion: Context, people: People) -> None:
    with pytest.raises(InputError, match=r"companion_daily: isolation, .* no hidden statements"):
        fitness.score(people(["I eat alone."]), companion.public())


def test_nobody_to_score_is_refused(companion: Context) -> None:
    with pytest.raises(InputError, match="no personas"):
        fitness.score([], companion)


def test_a_context_file_that_is_not_there_is_named(tmp_path: Path, people: People) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml"):
        fitness.score(people(["I eat alone."]), tmp_path / "absent.yaml")


@pytest.fixture(scope="module")
def own(elders: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own context file: no reference population ships with it."""
    path = tmp_path_factory.mktemp("own") / "mine.yaml"
    path.write_text(dump_context(elders.model_copy(update={"id": "mine"})), "utf-8")
    return path


@pytest.fixture(scope="module")
def small_reference() -> Iterator[None]:
    """References of a hundred personas, which are made in less time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fitness.reference.SIZE", 100)
        yield


@pytest.fixture(scope="module")
def first(own: Path, small_reference: None) -> Scorer:
    """The first scorer of the own context, for which the reference is made."""
    return open_scorer(own)


def kept_references() -> list[Path]:
    return sorted((Path(os.environ["GAMUT_CACHE"]) / "reference").glob("mine*"))


class NoSandbox:
    def __init__(self) -> None:
        raise AssertionError("a sandbox was started")


def test_the_reference_of_an_own_context_is_made_once(
    own: Path, first: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(kept_references()) == 1
    assert first.reference.values.shape == (100 // len(NAIVE) * len(NAIVE), 2)
    assert first.reference.read.any(axis=0).all()
    monkeypatch.setattr("fitness.service.Sandbox", NoSandbox)
    again = open_scorer(own)
    assert (again.reference.values == first.reference.values).all()
    assert (again.reference.read == first.reference.read).all()
    assert (again.weights == first.weights).all()


def damaged(record: dict[str, Any]) -> Iterator[str]:
    """Reference files that are damaged, or made for something else than `record` is."""
    yield from ("", "{", "[]", "null", "3", '{"points": 3}')
    rows = record["points"]
    for points in (None, rows[0], [[0.5, "high"], *rows], [[0.5], *rows], [[0.5, 2], *rows]):
        yield json.dumps({**record, "points": points})
    for field in ("context_hash", "respondent", "made_from"):
        yield json.dumps({**record, field: record[field][:-1]})
        yield json.dumps({name: value for name, value in record.items() if name != field})


def test_a_damaged_or_stale_reference_is_made_anew_and_the_same(
    own: Path, first: Scorer, caches: Caches
) -> None:
    reader = Agreement(first.context, caches)
    (file,) = kept_references()
    before = file.read_bytes()
    assert kept_rows(first.context, reader) is not None
    for content in damaged(json.loads(before)):
        file.write_text(content, "utf-8")
        assert kept_rows(first.context, reader) is None
    assert (open_scorer(own).weights == first.weights).all()
    assert file.read_bytes() == before


def test_a_reference_does_not_depend_on_what_was_read_before(
    elders: Context,
    first: Scorer,
    caches: Caches,
    corners: dict[int, list[Persona]],
) -> None:
    reader = Agreement(elders.model_copy(update={"id": "mine"}), caches)
    reader.read(corners[2])
    with Sandbox() as sandbox:
        rows = make_reference(first.context, reader, sandbox)
    again = Scorer(first.context, reader, rows)
    assert (again.weights == first.weights).all()


def test_a_cache_that_cannot_be_written_stops_no_score(
    own: Path,
    first: Scorer,
    corners: dict[int, list[Persona]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GAMUT_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("fitness.reference.SIZE", len(NAIVE))
    assert fitness.score(corners[2], own).points == first.scorecard(corners[2]).points


def test_score_takes_a_list_and_a_context_or_its_path(
    own: Path, first: Scorer, corners: dict[int, list[Persona]]
) -> None:
    card = first.scorecard(corners[2])
    for context in (own, str(own), first.context):
        assert printed(fitness.score(corners[2], context)) == printed(card)
    assert printed(fitness.score(tuple(corners[2][:1]), own))["n"] == 1

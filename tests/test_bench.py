"""The fixed suite, measured in one small context of our own choice; never on the test contexts."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from bundle_files import made, parts, personas
from command_line import ELDERS, gamut, refused
from context_files import content, saved

import evolve.bench
from evolve.bench import Line, Suite, bench, rival, suite_programs
from evolve.bench_table import bench_json
from evolve.config import packaged_contexts
from evolve.setup import evaluation_seed
from fitness.service import open_scorer
from generators.baselines import BASELINES, baseline
from generators.context import Context, load_context
from generators.generator import Generator
from generators.program import Program, parse

FAILING = parse("def generate(context, n, rng):\n    return []")
PROGRAMS = [
    ("nobody.py", FAILING),
    ("again.py", baseline("covering_mix")),
    *suite_programs(["baseline:corners"]),
]


@pytest.fixture(scope="module")
def suite() -> Suite:
    return Suite((load_context(ELDERS),), size=6, seeds=2, seed=5)


@pytest.fixture(scope="module")
def lines(suite: Suite) -> list[Line]:
    return bench(PROGRAMS, suite, workers=1)


def named(lines: Sequence[Line], name: str) -> Line:
    return next(line for line in lines if line.name == name)


def test_the_most_credited_comes_first(lines: list[Line]) -> None:
    credited = [line.estimate("credited").mean for line in lines]
    assert credited == sorted(credited, reverse=True)
    assert credited[0] > 0
    assert {line.name for line in lines} == {name for name, _ in PROGRAMS}


def test_values_are_those_of_the_scorecards(lines: list[Line], suite: Suite) -> None:
    context, generator = suite.contexts[0], Generator(baseline("corners"))
    scorer, line = open_scorer(context), named(lines, "baseline:corners")
    words = []
    for number in range(suite.seeds):
        people = generator(context, suite.size, evaluation_seed(5, "report", context, number))
        card = scorer.scorecard(people, suite.size)
        rare = f"rare_combination_coverage_{scorer.t}"
        for measure, metric in (
            ("credited", f"credited_{rare}"), ("as_read", rare), ("missing", "missing")
        ):  # fmt: skip
            value = line.values[measure][context.id][number]
            assert value == pytest.approx(card.metrics[metric].value)
        words += [len(person.description.split()) for person in people]
    generator.close()
    assert line.words == pytest.approx(np.mean(words))


def test_a_program_leads_itself_by_nothing(lines: list[Line]) -> None:
    lead = named(lines, "again.py").lead(rival(lines))
    assert (lead.mean, lead.low, lead.high) == (0, 0, 0)


def test_who_makes_nobody_earns_nothing_and_is_told(lines: list[Line], suite: Suite) -> None:
    line = named(lines, "nobody.py")
    assert [line.estimate(m).mean for m in ("credited", "as_read", "pairs")] == [0, 0, 0]
    assert (line.estimate("missing").mean, line.words) == (1, 0)
    assert "0 personas; 6 were asked for" in line.failed[suite.contexts[0].id]
    assert not named(lines, "again.py").failed


@pytest.mark.slow
def test_two_workers_measure_the_same(lines: list[Line], suite: Suite) -> None:
    told: list[tuple[int, int]] = []
    again = bench(PROGRAMS, suite, workers=2, progress=lambda *done: told.append(done))
    assert bench_json(again, suite, None) == bench_json(lines, suite, None)
    assert told[-1] == (3, 3)  # programs; one of the four is given twice


def test_baselines_are_all_there_or_those_named_with_the_rival() -> None:
    assert [name for name, _ in suite_programs([])] == [f"baseline:{name}" for name in BASELINES]
    chosen = [name for name, _ in suite_programs(["baseline:middle"])]
    assert chosen == ["baseline:covering_mix", "baseline:middle"]


# ---- the command


class Asked(list[Suite]):
    """The suites that the command asked to be measured, and with how many workers."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[int] = []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, lines: list[Line]) -> Asked:
    """What the command asks to be measured; it gets the lines that there are."""
    found = Asked()

    def measured(
        programs: Sequence[tuple[str, Program]], suite: Suite, workers: int, *_: object
    ) -> list[Line]:
        found.append(suite)
        found.workers.append(workers)
        return lines

    monkeypatch.setattr(evolve.bench, "bench", measured)
    monkeypatch.setattr("joblib.cpu_count", lambda: 5)
    return found


def ids(contexts: Sequence[Context]) -> list[str]:
    return [context.id for context in contexts]


def test_the_suite_is_the_test_contexts_and_developers_are_told(asked: Asked) -> None:
    said = gamut("bench")
    assert ids(asked[0].contexts) == ids(packaged_contexts("test"))
    assert (asked[0].size, asked[0].seeds, asked[0].seed) == (25, 4, 0)
    assert "docs/test_looks.md" in said.err
    said = gamut("bench", "--split", "validation", "-n", "7", "--seeds", "3", "--seed", "9")
    assert ids(asked[1].contexts) == ids(packaged_contexts("validation"))
    assert (asked[1].size, asked[1].seeds, asked[1].seed) == (7, 3, 9)
    assert "test_looks" not in said.err
    assert [suite.respondent for suite in asked] == ["agreement"] * 2
    gamut("bench", "--split", "train", "--respondent", "projection", "--workers", "3")
    assert asked[2].respondent == "projection"
    assert asked.workers == [5, 5, 3]
    assert "--split validation" in gamut("bench", "--help").out


def test_the_table_has_a_row_a_program_and_names_what_failed(asked: Asked) -> None:
    printed = gamut("bench", "--context", ELDERS).out
    assert asked[0].contexts == (load_context(ELDERS),)
    for name, _ in PROGRAMS:
        assert f"\n{name} " in printed
    assert "contexts of your own" in printed
    assert "nobody.py failed on elders_devices" in printed


def test_json_has_every_value(asked: Asked, lines: list[Line]) -> None:
    found = json.loads(gamut("bench", "--context", ELDERS, "--json").out)
    assert (found["split"], found["contexts"]) == (None, ["elders_devices"])
    by_name = {line["name"]: line for line in found["lines"]}
    corners, mix = by_name["baseline:corners"], by_name["baseline:covering_mix"]
    assert len(corners["values"]["credited"]["elders_devices"]) == 2
    gap = corners["credited"]["mean"] - mix["credited"]["mean"]
    assert corners["lead"]["mean"] == pytest.approx(gap, abs=1e-5)
    assert mix["lead"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["baseline:nothing"], "known: covering_mix"),
        (["middle"], "the baseline is baseline:middle"),
        (["no/bundle"], "no/bundle: there is no such bundle"),
        (["no.py"], "no.py: cannot be read: there is no such file"),
        (["--split", "train", "--context", "my.yaml"], "give one of them"),
        (["--seeds", "1"], "seeds"),
    ],
)
def test_what_is_given_wrong_is_refused(words: list[str], said: str, asked: Asked) -> None:
    assert said in gamut("bench", *words, status=2).err
    assert not asked


def test_a_program_file_that_is_none_is_refused(tmp_path: Path, asked: Asked) -> None:
    for text, said in ((b"import os", "my.py, line 1"), (b"\xff", "UTF-8")):
        (tmp_path / "my.py").write_bytes(text)
        refused("bench", tmp_path / "my.py", said=(said,))


def test_own_contexts_need_ids_of_their_own_and_a_hidden_part(tmp_path: Path, asked: Asked) -> None:
    data = content("zest", "calm")
    twice = [saved(tmp_path, data, name) for name in ("a.yaml", "b.yaml")]
    words = [word for file in twice for word in ("--context", file)]
    refused("bench", *words, said=(str(twice[1]), "secret_identity"))
    del data["axes"][0]["hidden"]
    refused("bench", "--context", saved(tmp_path, data), said=("zest", "no hidden statements"))


def test_without_a_jail_a_strangers_bundle_needs_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    recorded = parts()["provenance"] | {"program_hash": FAILING.hash}
    bundle = made(
        tmp_path / "elite", program=FAILING, personas=personas(FAILING), provenance=recorded
    )
    monkeypatch.setattr("generators.bundle.trust.is_made_here", lambda _: False)
    monkeypatch.setattr("generators.bundle.trust.sandbox_state", lambda: {"level": "monty"})
    words = ("bench", bundle, "--context", ELDERS)
    refused(*words, said=(str(bundle), "--trust"))
    gamut(*words, "--trust")
    assert len(asked) == 1

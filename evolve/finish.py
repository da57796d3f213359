"""The end of a run: elites and baselines on the report contexts, bundles, index.

The best elite is chosen among the foremost on seeds that the search has not used: on its own seeds
the luckiest of many lead. Of those that chance does not tell from the first, it is the one with the
shortest texts. The report contexts play no part in choosing it, so what it scores on them is not
flattered by choice.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evolve.archive import Elite
from evolve.evaluate import choice_in_worker, report_in_worker
from evolve.evidence import Table, mean
from evolve.progress import Progress
from evolve.run import Run
from evolve.setup import FOREMOST, Setup, evaluation_seed
from evolve.statistics import Interval, interval, paired_interval
from evolve.workers import collect, open_pool
from fitness.maps import draw_maps
from fitness.metrics import Measure, as_points
from generators.baselines import BASELINES, baseline
from generators.blocks import asks
from generators.bundle import swap, write_bundle, write_pointer
from generators.context import Context
from generators.errors import GamutError, InputError
from generators.persona import Persona
from generators.program import Program, parse


@dataclass(frozen=True)
class Entry:
    """One line of the results: an elite, a baseline, or an elite that is one.

    Attributes:
        name: bundle folder of an elite, else the baseline's name.
        program: what it is.
        elite: where it stands in the archive; None for a baseline without a niche.
        baseline: name of the baseline that this program is; empty for an evolved one.
        report: what `Evaluator.report` gave.
        choice: what `Evaluator.choice` gave of the foremost, which the best is chosen by.
    """

    name: str
    program: Program
    elite: Elite | None
    baseline: str
    report: Mapping[str, Any]
    choice: Table

    @property
    def chosen_by(self) -> Interval | None:
        """What the search maximises, on the contexts of the choice; None where not measured."""
        return interval(self.choice) if self.choice else None

    @property
    def credited(self) -> Interval:
        """What the search maximises, on the report contexts."""
        return interval(self.report["values"])

    @property
    def bare(self) -> Interval:
        """Rare combination coverage as read, gates and steadiness aside."""
        return interval(self.report["bare"])

    def lead(self, other: "Entry") -> Interval:
        """Difference in what the search maximises, paired over contexts and seeds."""
        return paired_interval(self.report["values"], other.report["values"])


def finish(run: Run, progress: Progress, workers: int | str) -> list[Entry]:
    """Choose the best elite, score elites and baselines on the report contexts, and write the
    archive; best elite first."""
    programs = _wanted(run)
    choices = _measured(run, _foremost(programs), CHOICE, progress, workers)
    reports = _measured(run, [program for _, program, _ in programs], REPORT, progress, workers)
    entries = _entries(programs, choices, reports)
    _write_archive(run, [e for e in entries if e.elite], progress)
    return entries


def stored_entries(run: Run) -> list[Entry]:
    """The results of a finished run, from its store alone. InputError where it is not finished."""
    programs = _wanted(run)
    choices = _stored(run, _foremost(programs), CHOICE)
    reports = _stored(run, [program for _, program, _ in programs], REPORT)
    if None in (*choices.values(), *reports.values()):
        raise InputError(f"{run.folder}: not finished; finish it by `gamut resume {run.folder}`")
    return _entries(programs, choices, reports)


def _wanted(run: Run) -> list[tuple[str, Program, Elite | None]]:
    """Elites, best first, then the baselines that are none: name, program, elite."""
    elites = run.search.state.archive.elites
    if not elites:
        raise InputError(f"{run.folder}: no program could be scored, so there is no archive")
    wanted: list[tuple[str, Program, Elite | None]] = [
        (elite.name, parse(elite.candidate.source), elite) for elite in elites
    ]
    held = {elite.candidate.hash for elite in elites}
    programs = ((name, baseline(name)) for name in BASELINES)
    return wanted + [(name, p, None) for name, p in programs if p.hash not in held]


def _foremost(programs: Sequence[tuple[str, Program, Elite | None]]) -> list[Program]:
    """The elites that the best is chosen from: those with the highest objective."""
    elites = [(elite.objective, program) for _, program, elite in programs if elite]
    return [program for _, program in sorted(elites, key=lambda e: -e[0])[:FOREMOST]]


def _entries(
    programs: Sequence[tuple[str, Program, Elite | None]],
    choices: Mapping[str, Table],
    reports: Mapping[str, Any],
) -> list[Entry]:
    """Elites, the best first, then by the choice, the others by their objective, then baselines."""
    named = {baseline(name).hash: name for name in BASELINES}
    entries = [
        Entry(name, p, elite, named.get(p.hash, ""), reports[p.hash], choices.get(p.hash, {}))
        for name, p, elite in programs
    ]
    entries.sort(key=_standing)
    entries.insert(0, entries.pop(entries.index(_best(entries))))
    return entries


def _best(entries: Sequence[Entry]) -> Entry:
    """Of those within about a standard error of the first, the one whose texts are shortest: the
    one-standard-error rule (Breiman, Friedman, Olshen and Stone, Classification and Regression
    Trees, 1984). Half the width of a 95 % interval is about two standard errors."""
    first = entries[0]

    def near(entry: Entry) -> bool:
        lead = paired_interval(first.choice, entry.choice)
        return lead.mean <= (lead.high - lead.low) / 4

    close = [entry for entry in entries[1:] if entry.choice and near(entry)]
    return min([first, *close], key=_words)


def _words(entry: Entry) -> float:
    assert entry.elite, "only elites are chosen from"
    return float(entry.elite.verdict["measures"]["words"])


def _standing(entry: Entry) -> tuple[float, ...]:
    if entry.elite is None:
        return (2,)
    return (0, -mean(entry.choice)) if entry.choice else (1, -entry.elite.objective)


@dataclass(frozen=True)
class _Measurement:
    """Something to measure of programs once the search is over: the key it is stored under, the
    name of the stage, and the task of a worker."""

    key: str
    stage: str
    task: Callable[[str, str], Any]


CHOICE = _Measurement("choice", "choosing the best", choice_in_worker)
REPORT = _Measurement("report", "validating", report_in_worker)


def _stored(run: Run, programs: Sequence[Program], what: _Measurement) -> dict[str, Any]:
    """What was measured of each program by hash; None where it was not."""
    return {p.hash: run.store.meta(f"{what.key}:{p.hash}") for p in programs}


def _measured(
    run: Run,
    programs: Sequence[Program],
    what: _Measurement,
    progress: Progress,
    workers: int | str,
) -> dict[str, Any]:
    """Measured of each program by hash; kept in the store, so that a killed finish goes on."""
    found = _stored(run, programs, what)
    missing = {p.hash: p for p in programs if found[p.hash] is None}
    if not missing:
        return found
    few = min(workers, len(missing)) if isinstance(workers, int) else workers
    died: set[str] = set()
    with closing(open_pool(few, run.store.file)) as pool:

        def begin(program: Program) -> Future[Any]:
            return pool.submit(what.task, pool.setup, program.source)

        pending = {begin(p): p for p in missing.values()}
        while pending:
            progress.stage(what.stage, len(missing) - len(pending), len(missing))
            for future in collect(pending, timeout=10.0):
                program = pending.pop(future)
                try:
                    measured = future.result()
                except BrokenExecutor as error:
                    if program.hash in died:
                        raise GamutError(
                            f"{run.folder}: workers died twice while {what.stage} ({error}); what"
                            f" is done is kept, go on by `gamut resume {run.folder}`"
                        ) from error
                    died.add(program.hash)
                    pending[begin(program)] = program
                    continue
                run.store.put_meta(f"{what.key}:{program.hash}", measured)
                found[program.hash] = measured
    return found


def _write_archive(run: Run, entries: Sequence[Entry], progress: Progress) -> None:
    """Write archive/ anew beside the old one, then put it in its place."""
    folder = run.folder / "archive"
    part = run.folder / "archive.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    written = []
    for number, entry in enumerate(entries):
        progress.stage("writing bundles", number, len(entries))
        try:
            _write_entry(run, entry, part / entry.name)
            written.append(entry)
        except InputError as error:  # one that cannot be bundled must not cost the others
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None  # but a full disk would cost them all
            progress.tell(f"{entry.name} is left out: {error}")
    if not written:
        raise GamutError(f"{run.folder}: none of the {len(entries)} elites could be bundled")
    index = [_indexed(entry, entry.elite, entry is written[0]) for entry in written if entry.elite]
    (part / "index.json").write_text(json.dumps(index, indent=1) + "\n", "utf-8")
    write_pointer(part / "best", written[0].name)
    old = run.folder / "archive.old"
    shutil.rmtree(old, ignore_errors=True)
    swap(part, folder, old)
    shutil.rmtree(old, ignore_errors=True)


def _indexed(entry: Entry, elite: Elite, best: bool) -> dict[str, Any]:
    """What archive/index.json says of an elite."""
    return {
        "bundle": entry.name,
        "niche": [niche.name for niche in elite.niches],
        "program_hash": entry.program.hash,
        "operator": elite.candidate.operator,
        "ticket": elite.candidate.ticket,
        "training": elite.interval.as_json(),
        "chosen_by": entry.chosen_by.as_json() if entry.chosen_by else None,
        "measures": dict(elite.verdict["measures"]),
        "baseline": bool(entry.baseline),
        "best": best,
    }


def _write_entry(run: Run, entry: Entry, folder: Path) -> None:
    setup, report = run.setup, entry.report
    personas: list[Persona] = []
    populations = []
    shown = {card["context"]: card for card in report["scorecards"]}
    read = [context for context in setup.report if context.id in shown]
    asked = report.get("answers") or [{}] * len(read)  # runs of earlier versions lack it
    for context, population, answers in zip(read, report["personas"], asked, strict=True):
        seed = evaluation_seed(setup.seed, "report", context, 0)
        public = context.public().model_dump(mode="json", by_alias=True)
        populations.append({"context": public, "n": setup.population, "seed": seed})
        origin = {"context": context.id, "seed": seed, "program_hash": entry.program.hash}
        origins = [{**origin, "answers": answers} if answers else origin]
        origins += [origin] * (len(population) - 1)
        personas += [
            Persona.model_validate({**persona, "provenance": where})
            for persona, where in zip(population, origins, strict=True)
        ]
    write_bundle(
        folder,
        program=entry.program,
        card=_card(run, entry),
        scorecards=report["scorecards"],
        personas=personas,
        maps=_maps(setup, read, report["scorecards"]),
        provenance={
            "schema": "gamut/bundle/1",
            "gamut_version": version("persona-gamut"),
            "program_hash": entry.program.hash,
            "run": run.folder.name,
            "run_seed": setup.seed,
            "ticket": entry.elite.candidate.ticket if entry.elite else None,
            "operator": entry.elite.candidate.operator if entry.elite else "",
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "populations": populations,
        },
    )


def _card(run: Run, entry: Entry) -> dict[str, Any]:
    """What a stranger needs to know before using a bundle."""
    credited, bare = entry.credited, entry.bare
    verdict = entry.elite.verdict if entry.elite else {"measures": {}}
    model = {}
    if run.config.llm and asks(entry.program.blocks):
        model["asks_the_model"] = run.config.llm.model
    if run.config.llm and run.setup.interview:
        model["read_by_the_model"] = run.config.llm.model
    return {
        "name": entry.name,
        "baseline": entry.baseline or None,
        "kept_for": [niche.name for niche in entry.elite.niches] if entry.elite else [],
        "what_it_does": entry.program.describe(),
        **model,
        "population": run.setup.population,
        "trained_on": [context.id for context in run.setup.training],
        "reported_on": [context.id for context in run.setup.report],
        "respondent": run.setup.respondent,
        "rare_combination_coverage": {
            "credited": credited.as_json(),
            "bare": bare.as_json(),
            "credited_means": "personas that pass every gate, on axes where "
            + (
                "no single item decides the third that the model's answers place them in"
                if run.setup.interview
                else "whoever reads agrees on their level and no single sentence decides the third"
                " they are read in"
            ),
            "interval": "95 %, over seeds; contexts taken as given",
        },
        "measures": dict(verdict["measures"]),
        "failed_on": dict(entry.report["failed"]) or None,
        "limits": "Read from text alone. Coverage says which combinations of"
        " traits the texts express, not how often they occur among people.",
    }


def _maps(
    setup: Setup, contexts: Sequence[Context], cards: Sequence[Mapping[str, Any]]
) -> dict[str, bytes]:
    """Coverage maps of a bundle, by file name: PNG and JSON, each context's own."""
    found: dict[str, bytes] = {}
    for context, card in zip(contexts, cards, strict=True):
        axes, t = len(context.axes), min(3, len(context.axes))
        points = as_points(card["points"], axes, card["n"])
        metrics = {name: Measure(**m) for name, m in card["metrics"].items()}
        weights = setup.rare_weights(context)
        with tempfile.TemporaryDirectory() as folder:
            for file in draw_maps(
                points, context, folder, metrics, ("png",), {t: weights}, singles=False
            ):
                found[f"{context.id}_{file.name}"] = file.read_bytes()
    return found

"""A run: its directory, from birth to the end of its search.

Order of a run directory's birth: config.yaml, then run.sqlite with the inputs. Whatever moment a
run is killed at, `resume` goes on from what is there.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import IO, Any

from evolve.config import Config, read_config, resolve_contexts, start_programs, write_config
from evolve.directory import able_in, lock_run, manifest, sweep, write_manifest
from evolve.loop import Loop, stopping
from evolve.progress import Progress
from evolve.search import Search
from evolve.setup import Setup
from evolve.store import Store, open_checked
from evolve.workers import open_pool
from fitness.admission import ADMITTED, examine, not_admitted_words, percent
from fitness.embedding import Caches
from fitness.reference import reference_rows
from fitness.respondents import DEFAULT, LLM, NLI, RESPONDENTS, open_respondent
from generators.context import Context, load_context
from generators.errors import InputError
from generators.program import Program, parse
from generators.sandbox import Sandbox


@dataclass
class Run:
    """An opened run: its folder, configuration, store, inputs, and the search folded so far."""

    folder: Path
    config: Config
    store: Store
    setup: Setup
    search: Search
    lock: IO[bytes] | None

    def close(self) -> None:
        """Close its store and let other processes work on it."""
        self.store.close()
        if self.lock:
            self.lock.close()


@dataclass(frozen=True)
class _Inputs:
    """What a configuration names: contexts to learn and to report on, programs to begin from."""

    training: tuple[Context, ...]
    report: tuple[Context, ...]
    start: list[tuple[str, Program]]


def create(config: Config, folder: Path, progress: Progress) -> Run:
    """Make a run directory. Raises InputError where it holds a run, or cannot be written."""
    if (folder / "run.sqlite").exists() or (folder / "config.yaml").exists():
        raise InputError(
            f"{folder}: holds another run; go on with it by `gamut resume {folder}`, or choose"
            " another run_dir"
        )
    inputs = _inputs(config)  # what the user gave wrong is said before anything is written
    if config.llm is not None:
        from generators.llm.model import check_usable

        for model in (config.llm.model, *config.settings.models):
            check_usable(config.llm.model_copy(update={"model": model}))
    if config.respondent.startswith(f"{NLI}:"):
        open_respondent(config.respondent, inputs.training[0], Caches(config.embedder))
    if _interviews(config) or config.settings.ask:
        _check_local(config.workers)
    if _interviews(config):
        from fitness.respondents.llm import items_of

        for context in (*inputs.training, *inputs.report):
            items_of(context)
    _admit(config, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(file.name != "config.part" for file in folder.iterdir()):  # left by a killed one
            raise InputError(f"{folder}: not empty; choose another run_dir")
        write_config(config, folder / "config.yaml")
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); choose another run_dir"
        ) from None
    return open_run(folder, progress, inputs)


def _inputs(config: Config) -> _Inputs:
    return _Inputs(*resolve_contexts(config), start_programs(config))


def _admit(config: Config, progress: Progress) -> None:
    """Refuse a context of the user's own whose poles the offline readers hardly tell apart.

    Contexts that ship are measured when they are written; another respondent is the user's choice.
    """
    file = config.contexts.get("file")
    if not file or config.respondent not in RESPONDENTS:
        return
    progress.say(f"{file}: checking whether the readers tell its poles apart")
    weak = not_admitted_words(examine(load_context(file), Caches(config.embedder)))
    if not weak:
        return
    found = f"{file}: the readers hardly tell the poles of some axes apart (told apart"
    found += f" by their signs: {weak}; {percent(ADMITTED)} is needed)"
    if config.force:
        progress.say(f"{found}; searching all the same (force=true)")
        return
    raise InputError(
        f"{found}. `gamut context check {quote(str(file))}` says what to rewrite; --force searches"
        " all the same"
    )


def open_run(
    folder: Path,
    progress: Progress,
    inputs: _Inputs | None = None,
    *,
    to_write: bool = True,
    evaluations: int | None = None,
    minutes: float | None = None,
) -> Run:
    """Open a run directory, completing it where the run was killed while it was being made.

    `inputs` are what the configuration names, where they are known. `evaluations` and `minutes`
    are the run's budget from now on, where given. One process at a time may open a run to write.
    Raises InputError where another one has it open, or where it holds more than that budget;
    GamutError where it cannot be written or is damaged.
    """
    if not (folder / "config.yaml").is_file():
        raise InputError(f"{folder}: no run here (config.yaml is missing)")
    with ExitStack() as held:  # what is open is closed again where the run cannot be opened
        lock = held.enter_context(lock_run(folder / "config.yaml")) if to_write else None
        config = read_config(folder / "config.yaml")
        file = folder / "run.sqlite"
        store = open_checked(file) if to_write else Store(file, read_only=True)
        held.callback(store.close)
        if to_write:
            sweep(folder)
            _change_budget(store, evaluations, minutes)
            _complete(folder, config, store, inputs, progress)
        else:
            store.check()
        opened = _opened(folder, config, store, lock)
        held.pop_all()
        return opened


def _opened(folder: Path, config: Config, store: Store, lock: IO[bytes] | None) -> Run:
    plain = store.meta("setup")
    if plain is None:
        raise InputError(f"{folder}: only just begun; go on by `gamut resume {folder}`")
    setup = Setup.from_json(plain)
    start = [(origin, parse(source, origin)) for origin, source in store.meta("start")]
    names = [context.id for context in setup.training]
    found, mutation = store.meta("models"), None
    if found:
        from evolve.mutation.models import mutation_of

        mutation = mutation_of(config, found, setup.training)
    search = Search(config.settings, start, names, setup.first_rung, mutation)
    return Run(folder, replace(config, **store.meta("budget") or {}), store, setup, search, lock)


def _change_budget(store: Store, evaluations: int | None, minutes: float | None) -> None:
    """Keep another budget than the configuration's; it may not be below what is stored."""
    given = {"evaluations": evaluations, "minutes": minutes}
    if evaluations is not None and evaluations < store.tickets():
        raise InputError(
            f"--evaluations {evaluations}: this run holds {store.tickets()} already; give more"
        )
    changed = {key: value for key, value in given.items() if value is not None}
    if changed:
        store.put_meta("budget", {**(store.meta("budget") or {}), **changed})


def _complete(
    folder: Path, config: Config, store: Store, inputs: _Inputs | None, progress: Progress
) -> None:
    """Store what a run depends on, as far as it is not stored; its inputs are only read once."""
    if store.meta("setup") is not None:
        return
    if store.meta("contexts") is None:
        inputs = inputs or _inputs(config)
        store.put_meta("start", [(origin, program.source) for origin, program in inputs.start])
        some = inputs.training, inputs.report
        store.put_meta("contexts", [_plain(contexts) for contexts in some])
    training, report = (
        tuple(Context.model_validate(context) for context in some)
        for some in store.meta("contexts")
    )
    setup = _setup(config, training, report, progress)
    about = manifest(config, folder)
    if config.settings.models:
        from evolve.mutation.models import found_able

        store.put_meta("models", found_able(config, folder, about["llm"]))
    if config.llm is not None and about["llm"] is not None:
        about["estimate"] = _estimated(config, setup, about["llm"], progress)
    if config.settings.ask or _interviews(config):
        from evolve.asked import found_to_ask, found_to_interview

        found = found_to_ask(about["llm"])
        if config.settings.ask:
            setup = replace(setup, ask=found)
        if _interviews(config):
            contexts = dict.fromkeys((*training, *report))
            interview = found_to_interview(config, folder, found, contexts, progress)
            setup = replace(setup, interview=interview)
    write_manifest(folder, about)
    store.put_meta("setup", setup.as_json())  # last: it says that the directory is complete


def _estimated(
    config: Config, setup: Setup, probed: Mapping[str, Any], progress: Progress
) -> dict[str, dict[str, Any]]:
    """About what the run will take of its models, which is told; nothing in a replay."""
    from evolve.foreseen import foreseen, in_short
    from generators.llm import Capabilities

    assert config.llm is not None
    if config.llm.cache.mode == "replay":
        return {}
    found = foreseen(config, setup, Capabilities.from_plain(able_in(probed)))
    if found:
        said = in_short(found, config.llm.currency)
        progress.tell(f"Language models, about: {said}")
    return found


def _interviews(config: Config) -> bool:
    return config.respondent.startswith(f"{LLM}:")


def _plain(contexts: tuple[Context, ...]) -> list[Any]:
    return [context.model_dump(mode="json", by_alias=True) for context in contexts]


def evolve(
    run: Run, progress: Progress, workers: int | str, refresh: Callable[[], None] | None = None
) -> str:
    """Search until the run's budget is spent; what of it was, in words.

    Stored verdicts are folded instead of evaluated again. Ctrl-C once: what is in flight is
    finished and kept, then KeyboardInterrupt; twice: at once. `refresh` is called now and then.
    """
    if run.setup.ask or run.setup.interview:
        _check_local(workers)
    with ExitStack() as held:
        reserve = None
        if _wants_reserve(run):
            from evolve.reserve import Reserve

            reserve = held.enter_context(closing(Reserve(run)))
        pool = held.enter_context(closing(open_pool(workers, run.store.file)))
        writer = None
        if found := run.store.meta("models"):
            from evolve.mutation.models import open_writer

            opened = open_writer(run.config, run.folder, run.setup, found)
            writer = held.enter_context(closing(opened))
        with stopping(progress) as stop:
            spent = Loop(run, pool, writer, progress, stop, workers, reserve).go(refresh)
    if stop.asked:
        raise KeyboardInterrupt
    return spent


def _wants_reserve(run: Run) -> bool:
    """Whether the end of a run needs a model whose budget is limited; a replay spends nothing."""
    llm = run.config.llm
    if llm is None or llm.cache.mode == "replay" or not (run.setup.ask or run.setup.interview):
        return False
    return any(limit is not None for _, limit in llm.budget)


def _check_local(workers: int | str) -> None:
    """InputError where workers that ask a model are not on this machine."""
    if isinstance(workers, str):
        raise InputError(
            f"workers={workers}: search.ask=true and respondent=llm need workers on this machine,"
            " which share the run's account of what is spent; give a number of workers"
        )


def _setup(
    config: Config,
    training: tuple[Context, ...],
    report: tuple[Context, ...],
    progress: Progress,
) -> Setup:
    """What evaluations depend on: contexts, read for their reference populations, and settings."""
    caches = Caches(config.embedder)
    references = {}
    with Sandbox() as sandbox:
        for context in dict.fromkeys((*training, *report)):
            progress.say(f"reading context {context.id}")
            name = DEFAULT if _interviews(config) else config.respondent  # "rare" is of a thousand
            respondent = open_respondent(name, context, caches)
            references[context.hash] = reference_rows(context, respondent, sandbox)
    return Setup(
        training=training,
        report=report,
        references=references,
        population=config.population,
        seed=config.seed,
        replicates=config.replicates,
        confirm=config.confirm,
        show=bool(config.settings.models),
        report_replicates=config.report_replicates,
        first_rung=min(config.first_rung, len(training)),
        respondent=config.respondent,
        embedder=config.embedder,
    )

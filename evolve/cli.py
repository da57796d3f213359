"""The command line. Commands import what they need when they run, so that --help is quick."""

import io
import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from evolve.commands import (
    benches,
    bundles,
    contexts,
    machine,
    models,
    populations,
    runs,
    sweeps,
)

app = typer.Typer(
    name="gamut",
    help="Evolve persona generators that cover the rare, consequential combinations of human"
    " traits, and archive them for reuse.\n\nBegin with `gamut evolve`, which needs no key and no"
    " network. Add --debug to any command for a traceback.\n\n"
    "Example: gamut evolve run_dir=runs/demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"gamut {version('persona-gamut')}")
        raise typer.Exit


@app.callback()
def _options(
    shown: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """What `gamut` takes before a command."""


context_app = typer.Typer(
    help="Check a context file, or make one.\n\nExample: gamut context check my.yaml",
    no_args_is_help=True,
)

models_app = typer.Typer(
    help="Language models on this machine.\n\nExample: gamut models serve model.gguf",
    no_args_is_help=True,
)

runs.register(app)
sweeps.register(app)
bundles.register(app)
populations.register(app)
benches.register(app)
machine.register(app)
contexts.register(context_app)
app.add_typer(context_app, name="context")
models.register(models_app)
app.add_typer(models_app, name="models")

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def main() -> NoReturn:
    """Run the command in sys.argv and exit with the contract's status."""
    debug = "--debug" in sys.argv[1:]
    words = [word for word in sys.argv[1:] if word != "--debug"]
    if isinstance(sys.stdout, io.TextIOWrapper):  # results are UTF-8 whatever the locale is
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status = _run(words)
        _flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: nothing left to say
        status = FAILED
    except Exception as error:
        if debug:
            traceback.print_exc()
        status = _complaint(error)
    _drop_unwritable()
    sys.exit(status)


def _run(words: list[str]) -> int:
    if words[:1] == ["evolve"]:
        if {"-h", "--help"} & set(words):
            words = ["evolve", "--help"]  # the other words are Hydra's, which Typer does not know
        else:
            from evolve.job import launch

            return launch(words[1:])
    status = app(words, standalone_mode=False)
    return status if isinstance(status, int) else DONE


def _flush() -> None:
    if sys.stdout is not None:  # it is None where the caller closed it
        sys.stdout.flush()


def _drop_unwritable() -> None:
    """Drop output that nobody takes, or Python complains of it once more when it ends."""
    try:
        _flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complaint(error: Exception) -> int:
    """One short message on standard error; the exit status."""
    from generators.errors import GamutError, InputError

    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if isinstance(error, TyperException):  # a word that the command line does not know
        error.show()  # type: ignore[attr-defined]
        return WRONG
    if isinstance(error, OSError):  # a full disk, too many open files: the machine's, no bug
        where = f"{error.filename}: " if error.filename else ""
        print(f"gamut: {where}{error.strerror or error}", file=sys.stderr)
        return FAILED
    print(f"gamut: {error}", file=sys.stderr)
    if not isinstance(error, GamutError):
        print(f"({type(error).__name__}; this is a bug: --debug shows where)", file=sys.stderr)
    return WRONG if isinstance(error, InputError) else FAILED


if __name__ == "__main__":
    main()

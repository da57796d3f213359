"""What all tests share: a cache folder, the embedder, contexts, a way to make personas."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import settings
from small_run import SMALL, run

from fitness.embedding import Caches, SentenceCache
from generators.context import Context, load_context
from generators.persona import Persona

CONTEXTS = Path(__file__).resolve().parent.parent / "conf" / "contexts"
MadeFolder = pytest.StashKey[str]()

People = Callable[..., list[Persona]]


def pytest_configure(config: pytest.Config) -> None:
    """Set GAMUT_CACHE before any test opens the cache; workers and subprocesses inherit it."""
    settings.register_profile("ci", derandomize=True)  # the same examples each time
    if os.environ.get("CI"):
        settings.load_profile("ci")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = tempfile.mkdtemp(prefix="gamut-tests-")
        config.stash[MadeFolder] = os.environ["GAMUT_CACHE"] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    if MadeFolder in config.stash:
        shutil.rmtree(config.stash[MadeFolder], ignore_errors=True)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small run that nobody disturbed, and what it printed."""
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    done = run("evolve", *SMALL, f"run_dir={folder}", "workers=1")
    return folder, done.stdout


@pytest.fixture(scope="session")
def caches() -> Caches:
    """The encoders of the two readers with the cache of this test session."""
    return Caches()


@pytest.fixture(scope="session")
def embedder_cache(caches: Caches) -> SentenceCache:
    """The default embedder with its cache."""
    return caches.first


@pytest.fixture(scope="session")
def companion_path() -> Path:
    """A context file that ships with Gamut."""
    return CONTEXTS / "train" / "companion_daily.yaml"


@pytest.fixture(scope="session")
def companion(companion_path: Path) -> Context:
    """A context with three axes."""
    return load_context(companion_path)


@pytest.fixture(scope="session")
def elders() -> Context:
    """A context with two axes."""
    return load_context(CONTEXTS / "train" / "elders_devices.yaml")


@pytest.fixture(scope="session")
def people() -> People:
    """Makes personas of texts, by default all of one name that no text has."""

    def make(texts: Iterable[str], name: str = "Nobody Special") -> list[Persona]:
        return [
            Persona(id=f"p{number}", name=name, description=text)
            for number, text in enumerate(texts)
        ]

    return make

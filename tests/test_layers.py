"""Imports run one way: evolve → fitness → generators; and untrusted code never runs in-process."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {"generators": {"fitness", "evolve"}, "fitness": {"evolve"}, "evolve": set()}
SOURCES = [p for package in FORBIDDEN for p in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of everything that a module imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert not imported(ast.parse(path.read_text("utf-8"))) & FORBIDDEN[package]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_executes_or_unpickles_text(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    calls = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not calls & {"exec", "eval", "compile", "__import__"}
    assert not imported(tree) & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}

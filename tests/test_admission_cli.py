"""Admission on the command line: `context check` tells it, `evolve` refuses, `score` warns."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ELDERS, gamut, refused
from context_files import content, saved

from fitness.admission import AxisAdmission, examine
from fitness.embedding import Caches
from generators.context import Context, load_context
from generators.errors import InputError

PLAIN = "I never touch a computer. My son reads the screen to me and writes my letters."


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A context of made-up words, whose poles nobody can tell apart."""
    return saved(tmp_path, content("zest", "calm"))


def verdicts(*figures: float, **fields: Sequence[str]) -> Callable[..., list[AxisAdmission]]:
    """Stands in for `examine`: every axis of a context in turn has one of the figures."""

    def examined(context: Context, caches: Caches) -> list[AxisAdmission]:
        return [
            AxisAdmission(
                axis=axis.id,
                signs={"projection": share, "nearest": share},
                left_out={"projection": 0.7, "nearest": 0.8},
                confused_with=tuple(fields.get("confused_with", ())),
                rewrite=tuple(fields.get("rewrite", ())),
            )
            for axis, share in zip(context.axes, figures, strict=False)
        ]

    return examined


def never(*_: object, **__: object) -> Any:
    raise AssertionError("the context was examined")


# ---- context check


def test_check_says_that_an_axis_is_admitted() -> None:
    said = gamut("context", "check", ELDERS)
    lines = said.out.splitlines()
    assert [line.startswith(f"{ELDERS}: axes[{n}] ") for n, line in enumerate(lines[:2])] == [
        True, True,
    ]  # fmt: skip
    assert all("projection " in x and "nearest " in x for x in lines[:2])
    assert all(line.endswith(": admitted") for line in lines[:2])
    assert lines[2:] == [f"{ELDERS}: ok"]
    assert said.err == ""


def test_check_warns_of_poles_that_nobody_can_tell_apart(own: Path) -> None:
    said = gamut("context", "check", own)
    warned = [line for line in said.out.splitlines() if line.startswith(f"{own}: warning: ")]
    assert ["zest" in warned[0], "calm" in warned[1]] == [True, True]
    assert all("not admitted (by signs " in line and "85 % is needed" in line for line in warned)
    texts = {a.text for axis in load_context(own).axes if axis.hidden for a in axis.hidden.items}
    for axis in load_context(own).axes:
        assert axis.hidden
        texts |= {*axis.hidden.low, *axis.hidden.high, *axis.signs.low, *axis.signs.high}
    told = [line[11:] for line in said.out.splitlines() if line.startswith("  rewrite: ")]
    assert told
    assert set(told) <= texts
    assert said.out.splitlines()[-1] == f"{own}: ok, 2 to look at"


def test_check_as_json_holds_what_was_examined(own: Path) -> None:
    (record,) = json.loads(gamut("context", "check", own, "--json").out)
    assert record["admission"] == [a.as_json() for a in examine(load_context(own), Caches())]
    assert [set(axis) for axis in record["admission"]] == [
        {"axis", "signs", "left_out", "admitted", "confused_with", "rewrite"}
    ] * 2


def test_examining_again_embeds_nothing(own: Path) -> None:
    examine(load_context(own), Caches())
    again = Caches()
    examine(load_context(own), again)
    assert (again.first.computed, again.second.computed) == (0, 0)


def test_an_axis_below_is_told_with_what_to_do(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apart, rewrite = "poles told apart by signs:", [f"I am statement {n}." for n in range(8)]
    out = "by statements left out: projection 70 %, nearest 80 %"
    fake = verdicts(0.9, 0.849, confused_with=["zest"], rewrite=rewrite)
    monkeypatch.setattr("fitness.admission.examine", fake)
    assert gamut("context", "check", own).out.splitlines() == [
        f"{own}: axes[0] zest: {apart} projection 90 %, nearest 90 %; {out}: admitted",
        f"{own}: warning: axes[1] calm: {apart} projection 84 %, nearest 84 %; {out}:"
        " not admitted (by signs 84 %, 85 % is needed)",
        "  often taken for: zest",
        *(f"  rewrite: {text}" for text in rewrite[:6]),
        "  and 2 more (--json lists them)",
        f"{own}: ok, 1 to look at",
    ]


def test_check_says_why_it_left_admission_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitness.admission.examine", never)
    leaking, silent = content("zest", "calm"), content("zest", "calm")
    leaking["axes"][0]["hidden"]["low"][0] = leaking["axes"][0]["signs"]["low"][0]
    del silent["axes"][1]["hidden"]
    wrong, public = saved(tmp_path, leaking, "wrong.yaml"), saved(tmp_path, silent, "public.yaml")
    left_out = refused("context", "check", wrong, said=(f"gamut: {wrong}: axes[0].hidden.low[0]",))
    assert f"{wrong}: admission not checked: there are errors to mend first" in left_out
    said = gamut("context", "check", public)
    assert f"{public}: admission not checked: nothing hidden to read with on calm\n" in said.out
    printed = gamut("context", "check", wrong, public, tmp_path / "no.yaml", "--json", status=2)
    assert [record["admission"] for record in json.loads(printed.out)] == [None] * 3


def test_check_of_many_files_tells_how_far_it_is(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1_000, 10))
    monkeypatch.setattr("evolve.commands.contexts.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("fitness.admission.examine", verdicts(1.0, 1.0))
    others = [saved(tmp_path, content("zest", "calm"), f"{n}.yaml") for n in range(2)]
    assert gamut("context", "check", own, *others).err.splitlines() == [
        f"checking 1 of 3: {own}",
        f"checking 2 of 3, about 20 s left: {others[0]}",
        f"checking 3 of 3, about 10 s left: {others[1]}",
    ]
    assert gamut("context", "check", own).err == ""


def test_help_says_what_is_measured_and_what_to_do() -> None:
    said = " ".join(gamut("context", "check", "--help").out.split())
    for part in (
        "A quarter of an axis' hidden",
        "85 %",
        "--force",
        "rewrite the signs and statements",
    ):
        assert part in said


# ---- evolve


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Run directories that a search got as far as opening; it ends there."""
    folders: list[Path] = []

    def open_run(folder: Path, *_: object) -> None:
        folders.append(folder)
        raise InputError("opened, and that is all")

    monkeypatch.setattr("evolve.run.open_run", open_run)
    return folders


def test_evolve_refuses_a_context_that_is_not_admitted(own: Path, opened: list[Path]) -> None:
    folder = own.parent / "run"
    said = refused(
        "evolve", f"contexts={own}", f"run_dir={folder}",
        said=("zest ", "calm ", "85 %", f"`gamut context check {own}`", "--force"),
    )  # fmt: skip
    assert len([line for line in said.splitlines() if line.startswith("gamut: ")]) == 1
    assert not folder.exists()
    assert opened == []


@pytest.mark.parametrize("word", ["--force", "force=true"])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_force_goes_on_and_says_so(
    word: str, place: int, own: Path, opened: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evolve.run.examine", verdicts(0.9, 0.5))
    folder = own.parent / "run"
    words = ["evolve", f"contexts={own}", f"run_dir={folder}"]
    words.insert(place, word)
    said = gamut(*words, status=2).err
    assert opened == [folder]
    assert "(told apart by their signs: calm 50 %; 85 % is needed)" in said
    assert "zest" not in said
    assert "searching all the same (force=true)" in said
    assert yaml.safe_load((folder / "config.yaml").read_text())["force"] is True


def test_an_admitted_context_is_searched_and_read_whole(
    own: Path, opened: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Context] = []

    def examined(context: Context, caches: Caches) -> list[AxisAdmission]:
        seen.append(context)
        return verdicts(0.85, 1.0)(context, caches)

    monkeypatch.setattr("evolve.run.examine", examined)
    folder = own.parent / "run"
    said = gamut("evolve", f"contexts={own}", f"run_dir={folder}", status=2).err
    assert "apart (" not in said
    assert opened == [folder]
    assert seen == [load_context(own)]
    assert yaml.safe_load((folder / "config.yaml").read_text())["force"] is False


def test_only_contexts_of_ones_own_are_examined_and_only_for_offline_readers(
    own: Path, opened: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evolve.run.examine", never)
    monkeypatch.setattr("evolve.run.open_respondent", lambda *_: None)  # the model is not there
    folders = [own.parent / "shipped", own.parent / "nli"]
    gamut("evolve", f"run_dir={folders[0]}", status=2)
    brought = ("respondent=nli", "respondent.model=mine.onnx")
    gamut("evolve", f"contexts={own}", *brought, f"run_dir={folders[1]}", status=2)
    assert opened == folders


def test_force_is_true_or_false(own: Path) -> None:
    refused("evolve", f"contexts={own}", "force=maybe", said=("force='maybe'", "true or false"))


def test_help_of_evolve_stands_beside_force() -> None:
    assert gamut("evolve", "--force", "--help").out == gamut("evolve", "--help").out


def test_resume_does_not_examine_again(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("evolve.run.evolve", interrupted)
    folder = own.parent / "run"
    gamut("evolve", f"contexts={own}", "--force", f"run_dir={folder}", status=130)
    monkeypatch.setattr("evolve.run.examine", never)
    said = gamut("resume", folder, status=130)
    assert said.err.splitlines()[-1] == f"gamut resume {folder}"
    assert "told apart" not in said.err


# ---- score


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file with one persona."""
    path = tmp_path / "people.jsonl"
    path.write_text(json.dumps({"description": PLAIN}) + "\n", "utf-8")
    return path


def test_score_names_the_axes_that_readers_hardly_tell_apart(
    own: Path, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitness.admission.examine", verdicts(0.9, 0.5))
    gamut("score", people, "--context", own)  # makes its reference population
    said = gamut("score", people, "--context", own)
    assert said.out.splitlines()[-1].startswith("Covers ")
    (line,) = said.err.splitlines()
    assert line.startswith(f"{own}: ")
    for part in ("calm 50 %", "85 %", f"`gamut context check {own}`"):
        assert part in line
    assert "zest" not in line
    card = json.loads(gamut("score", people, "--context", own, "--json").out)
    assert set(card) == {"context", "n", "axes", "points", "metrics", "gates", "verdict"}


def test_score_says_nothing_of_an_admitted_context_or_of_other_readers(
    own: Path, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "apart" not in gamut("score", people, "--context", ELDERS).err
    from fitness.service import open_scorer

    def opened(context: Path, respondent: str, say: object, model: object) -> object:
        assert respondent == "nli:mine.onnx"
        return open_scorer(context)

    monkeypatch.setattr("fitness.service.open_scorer", opened)
    words = ("score", people, "--context", own, "--respondent", "nli:mine.onnx")
    assert gamut(*words).err == ""


# ---- version


def test_version() -> None:
    from importlib.metadata import version

    assert gamut("--version").out == f"gamut {version('persona-gamut')}\n"

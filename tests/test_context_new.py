"""`gamut context new`: a context from a model's answers, or a draft that says what is missing."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import gamut, refused
from context_files import words
from model_people import REFUSAL, by_prompt
from model_server import Behaviour, ModelServer, serving

from generators.context import load_context, split_context
from generators.context.drafting import SUBJECTS, WISHED

NURSES = "Nurses who ask an assistant for help during night shifts."
TRAITS = {
    "axes": [
        {"name": "fatigue", "low_label": "rested and steady", "high_label": "worn out."},
        {"name": "trust in machines", "low_label": "wary of it", "high_label": "led by it"},
    ]
}
Edit = Callable[[str, list[Any]], Any]


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the readers, which take seconds, where a test is not about them."""
    monkeypatch.setattr("fitness.admission.examine", lambda context, caches: [])


def sentences(asked: str, edit: Edit) -> str:
    """Six statements that depend on the question, in words that nobody else uses."""
    found = [f"I often {words(6, f'{asked}{n}')}." for n in range(5)]
    return json.dumps({"statements": edit(asked, [*found, f"I never {words(6, asked)}."])})


def model(traits: Any = TRAITS, edit: Edit = lambda asked, found: found) -> Behaviour:
    """Gives the traits, and for each question six statements as `edit` leaves them."""

    def reply(asked: str) -> Any:
        if "Write 6 short sentences" in asked:
            return sentences(asked, edit)
        if "Name 2 traits" not in asked:
            return "Good morning."  # the probe
        return traits if isinstance(traits, str) or traits is REFUSAL else json.dumps(traits)

    return by_prompt(reply)


def new(server: ModelServer | str, out: Path, *more: str | Path, status: int = 0) -> Any:
    url = server if isinstance(server, str) else server.url
    file = out.parent / "answers.sqlite"
    return gamut(
        "context", "new", NURSES, "--out", out, "--axes", "2", "--llm", url, "--model", "tiny",
        "--set", "llm.prices=[{model: '*', input: 0, output: 0, as_of: 2026-11-01}]",
        "--set", f"llm.cache.file={file}", "--set", "llm.retries.first_wait=0.01", *more,
        status=status,
    )  # fmt: skip


def questions(server: ModelServer, part: str) -> list[str]:
    said = [body["messages"][-1]["content"] for body in server.bodies]
    return [text for text in said if part in text]


@pytest.mark.usefixtures("unread")
def test_a_context_comes_of_it(tmp_path: Path) -> None:
    out = tmp_path / "my.yaml"
    with serving(model()) as server:
        said = new(server, out, "--json")
        assert len(questions(server, "Write 6 short sentences")) == 2 * 2 * len(SUBJECTS[0])
        assert not questions(server, "These are written already")
    context = load_context(out)
    assert (context.id, context.description) == ("nurses_who_ask_an_assistant", NURSES)
    assert [axis.id for axis in context.axes] == ["fatigue", "trust_in_machines"]
    assert context.axes[0].high_label == "worn out"
    for axis in context.axes:
        assert axis.hidden is not None
        kinds = (axis.signs.low, axis.signs.high, axis.hidden.low, axis.hidden.high)
        assert [len(k) for k in kinds] == [8] * 4
        assert Counter(item.key for item in axis.hidden.items) == {1: 8, -1: 8}
    record = json.loads(said.out)
    assert record["context"] is True
    assert record["look_at"][0].startswith("read every statement: a model wrote them")
    for told in ("asking for 2 traits", "trait 2 of 2, trust in machines", "tiny: "):
        assert told in said.err
    assert not list(tmp_path.glob("*.draft.yaml"))


@pytest.mark.usefixtures("unread")
def test_the_poles_are_not_mixed_up(tmp_path: Path) -> None:
    def marked(asked: str, found: list[Any]) -> list[Any]:
        pole = re.search("one of these people, who is (.*), says of", asked)
        assert pole is not None
        return [f"{text[:-1]} {pole[1].split()[0]}." for text in found]

    with serving(model(edit=marked)) as server:
        new(server, tmp_path / "my.yaml", "--json")
    for axis in load_context(tmp_path / "my.yaml").axes:
        assert axis.hidden is not None
        minus = [item.text for item in axis.hidden.items if item.key == -1]
        plus = [item.text for item in axis.hidden.items if item.key == 1]
        low, high = axis.low_label.split()[0], axis.high_label.split()[0]
        for text in (*axis.signs.low, *axis.hidden.low, *minus):
            assert text.endswith(f" {low}.")
        for text in (*axis.signs.high, *axis.hidden.high, *plus):
            assert text.endswith(f" {high}.")


def test_it_says_what_to_look_at(tmp_path: Path) -> None:
    def some(asked: str, found: list[Any]) -> list[Any]:
        if any(subject in asked for subject in SUBJECTS[1]):
            return ["Has a lamp on the desk at night."]
        bad = [7, "I am.", "They sleep a lot.", "I nap. I snore a lot.", f"I {'so ' * 31}much."]
        bad.append("As an AI assistant I never sleep.")
        return [*found[:4], found[0].replace("often", "always"), *bad]

    with serving(model(edit=some)) as server:
        said = new(server, tmp_path / "my.yaml")
        again = questions(server, "These are written already")
        assert len(again) == 2 * 2 * len(SUBJECTS[1])
    assert "Before you use it:\n- read every statement" in said.out
    assert "- the readers hardly tell these axes' poles apart, so rewrite: fatigue" in said.out
    assert f"fewer than wished: axes[0] fatigue, low pole: 16 statements of {WISHED}" in said.out
    assert "- left out: 16 statements nearly the same as another" in said.out
    assert "- left out: 32 statements that are no sentence" in said.out
    assert "- left out: 32 statements that are long, or several sentences" in said.out
    assert "- left out: 16 statements of an AI" in said.out
    assert "- left out: 32 statements not in the first person" in said.out
    assert "poles told apart by signs: " in said.out


@pytest.mark.usefixtures("unread")
def test_traits_that_are_none_are_asked_for_again(tmp_path: Path) -> None:
    first = {"axes": [TRAITS["axes"][0], {"name": "x", "low_label": "So", "high_label": "so."}]}
    second = {"axes": TRAITS["axes"]}

    def reply(asked: str) -> str:
        if "Write 6 short sentences" in asked:
            return sentences(asked, lambda _, found: found)
        return json.dumps(second if "other traits than these: fatigue." in asked else first)

    with serving(by_prompt(reply)) as server:
        said = new(server, tmp_path / "my.yaml", "--json")
    assert len(load_context(tmp_path / "my.yaml").axes) == 2
    look_at = json.loads(said.out)["look_at"]
    assert "left out: 1 traits without a name and two different labels" in look_at
    assert "left out: 1 traits said again" in look_at


def test_a_small_model_leaves_a_draft_that_says_what_is_missing(tmp_path: Path) -> None:
    out, draft = tmp_path / "my.yaml", tmp_path / "my.draft.yaml"
    with serving(model(edit=lambda asked, found: [f"I always {words(6, asked)}."])) as server:
        said = new(server, out, status=1)
    assert not out.exists()
    text = draft.read_text("utf-8")
    assert text.startswith(f"# {draft}: not a context to split:\n")
    assert "axes[0]: has 8; at least 11 statements a pole" in text
    assert "axes[0]: has 8; at least 11 statements a pole" in said.err
    assert "fewer than wished: axes[1] trust in machines, high pole: 8 statements" in said.out
    content = yaml.safe_load(text)
    assert content["axes"][0]["statements"]["low"]
    for number, axis in enumerate(content["axes"]):  # a person writes what is missing
        for pole, found in axis["statements"].items():
            found += [f"I sometimes {words(6, f'{number}{pole}{k}')}." for k in range(10)]
    draft.write_text(yaml.safe_dump(content), "utf-8")
    out.write_text(split_context(draft), "utf-8")
    assert len(load_context(out).axes) == 2


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (model("I am a helpful assistant."), "left out: 3 answers: not JSON"),
        (model(REFUSAL), "left out: 3 answers: refusal"),
        (model({"axes": []}), "left out: 3 answers: malformed"),
    ],
)
def test_a_model_that_gives_nothing_leaves_an_empty_draft(
    behaviour: Behaviour, why: str, tmp_path: Path
) -> None:
    with serving(behaviour) as server:
        said = json.loads(new(server, tmp_path / "my.yaml", "--json", status=1).out)
    assert said["file"] == str(tmp_path / "my.draft.yaml")
    assert any("axes: has 0; at least 2 axes are needed" in p for p in said["problems"])
    assert why in said["look_at"]
    assert "fewer than wished: 0 axes of 2" in said["look_at"]


@pytest.mark.usefixtures("unread")
def test_what_a_budget_allowed_is_left_as_a_draft(tmp_path: Path) -> None:
    out, draft = tmp_path / "my.yaml", tmp_path / "my.draft.yaml"
    with serving(model()) as server:
        said = new(server, out, "--set", "llm.budget.calls=18", status=1)
        assert "fewer than wished: the rest was not asked for: " in said.out
        assert [axis["name"] for axis in yaml.safe_load(draft.read_text("utf-8"))["axes"]] == [
            "fatigue", "trust in machines",
        ]  # fmt: skip
        new(server, out)  # what was answered is not asked again
        assert len(questions(server, "Write 6 short sentences")) == 2 * 2 * len(SUBJECTS[0])
    assert len(load_context(out).axes) == 2


@pytest.mark.usefixtures("unread")
def test_a_broken_answer_is_repaired_once(tmp_path: Path) -> None:
    def reply(asked: str) -> str:
        if "could not be used" in asked:
            return reply(asked.split("\n\nAn earlier answer")[0] + " again")
        if "Write 6 short sentences" in asked and "again" not in asked and "neighbours" in asked:
            return '{"statements": ["I '
        return (
            sentences(asked, lambda _, found: found)
            if "Write 6 short sentences" in asked
            else json.dumps(TRAITS)
        )

    with serving(by_prompt(reply)) as server:
        said = new(server, tmp_path / "my.yaml", "--json")
        assert len(questions(server, "An earlier answer to this could not be used")) == 4
    assert len(json.loads(said.out)["look_at"]) <= 2


@pytest.mark.usefixtures("unread")
def test_a_draft_is_replayed_without_a_server(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    with serving(model()) as server:
        new(server, first, "--json")
        url = server.url
    new(url, second, "--json", "--set", "llm.cache.mode=replay")
    assert first.read_bytes() == second.read_bytes()


def test_what_is_wrong_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    out = tmp_path / "no" / "my.yaml"
    with serving(model()) as server:
        refused("context", "new", NURSES, "--out", out, "--llm", server.url, said=("no folder",))
        words = ("--llm", server.url, "--model", "m", "--set", "llm.allow_unknown_price=true")
        free = ("--set", "llm.budget.money=null")
        said = gamut("context", "new", " … ", "--out", tmp_path / "x.yaml", *words, *free, status=2)
        assert "the description is empty or has no word in it" in said.err
        assert not server.bodies

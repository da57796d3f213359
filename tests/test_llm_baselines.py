"""Baselines that a language model writes: how many come, what is left out, what it is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import ELDERS, gamut, refused
from model_people import NAMES, REFUSAL, by_prompt, replies, user, users
from model_server import ABLE, Behaviour, ModelServer, answer, serving, settings

from generators.context import Context, load_context
from generators.context.model import hidden_sentences
from generators.errors import InputError
from generators.llm import LanguageModel
from generators.llm_baselines import LLM_BASELINES, Shortfall, llm_baseline
from generators.persona import Persona, read_personas

MEMORIES = json.dumps({"memories": ["I broke a clock at six.", "I mended it at nine."]})


def made(
    *behaviours: Behaviour, name: str = "one_shot_list", n: int = 3, seed: int = 0, **able: Any
) -> tuple[list[Persona], ModelServer]:
    """The personas that a server's model writes for a context, and the server."""
    with serving(*behaviours) as server:
        return ask(server, name, n, seed), server


def ask(
    server: ModelServer | str, name: str = "one_shot_list", n: int = 3, seed: int = 0, **more: Any
) -> list[Persona]:
    with LanguageModel(settings(server, **more), capabilities=ABLE) as model:
        return llm_baseline(name, load_context(ELDERS), n, seed, model)


def prompts(server: ModelServer) -> list[str]:
    return [body["messages"][-1]["content"] for body in server.bodies]


# ---- the list


def test_one_question_gives_the_list() -> None:
    personas, server = made(replies(users(1, 2, 3)))
    assert [p.description for p in personas] == [user(k)["description"] for k in (1, 2, 3)]
    assert [p.id for p in personas] == ["p00000", "p00001", "p00002"]
    assert personas[0].provenance == {
        "generator": "llm:one_shot_list", "model": "tiny", "seed": 0
    }  # fmt: skip
    (asked,) = prompts(server)
    assert "Give me 3 diverse users" in asked
    assert load_context(ELDERS).description in asked
    schema = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["users"]["items"]["required"] == ["name", "description"]


def test_the_list_prompt_says_nothing_of_traits() -> None:
    _, server = made(replies(users(1, 2, 3)))
    for axis in load_context(ELDERS).axes:
        for told in (axis.name, axis.low_label, axis.high_label, *axis.signs.low):
            assert told not in prompts(server)[0]


def test_the_rest_is_asked_for_with_the_names_so_far() -> None:
    personas, server = made(replies(users(1, 2), users(3)))
    assert len(personas) == 3
    assert "Give me 1 more diverse users" in prompts(server)[1]
    assert user(1)["name"] in prompts(server)[1]
    assert user(2)["name"] in prompts(server)[1]


def test_more_than_asked_for_are_cut() -> None:
    assert len(made(replies(users(*range(9))))[0]) == 3


def test_a_repeated_person_is_never_counted_twice() -> None:
    with pytest.raises(Shortfall, match="wrote 2 of 3 people in 4 calls") as error:
        made(replies(users(1, 2, 2)))
    assert "10 × said again" in str(error.value)  # one, and three in each of three calls


def test_a_shortfall_says_what_was_left_out() -> None:
    lame = json.dumps({"users": [user(1), user(2, description="  "), {"name": "Bo"}, 5]})
    with pytest.raises(Shortfall) as error:
        made(replies(lame), n=2)
    said = str(error.value)
    assert said.startswith("llm:one_shot_list: the model wrote 1 of 2 people in 4 calls")
    assert "12 × unusable record" in said
    assert "ask for fewer, or another model" in said


def test_calls_are_bounded_even_where_each_brings_somebody() -> None:
    one_each = replies(*[users(k) for k in range(40)])
    with pytest.raises(Shortfall, match="wrote 8 of 25 people in 8 calls"):
        made(one_each, n=25)


def test_malformed_json_is_repaired_once() -> None:
    personas, server = made(replies("Sure! Here are three users.", users(1, 2, 3)))
    assert len(personas) == 3
    assert "could not be used: not the JSON" in prompts(server)[1]


def test_json_of_another_shape_is_repaired_with_the_reason() -> None:
    personas, server = made(replies(json.dumps([user(1)]), users(1, 2, 3)))
    assert len(personas) == 3
    assert 'it should be an object with a list "users"' in prompts(server)[1]


def test_after_an_answer_that_cannot_be_used_fewer_are_asked_for() -> None:
    behaviour = replies('{"users": [{"na', '{"users": [{"na', users(1, 2), users(3, 4))
    personas, server = made(behaviour, n=4)
    assert len(personas) == 4
    counts = [re.findall(r"Give me (\d+)", text)[0] for text in prompts(server)]
    assert counts == ["4", "4", "2", "2"]
    schemas = [b["response_format"]["json_schema"]["schema"] for b in server.bodies]
    assert [s["properties"]["users"]["maxItems"] for s in schemas] == [4, 4, 2, 2]


def test_what_is_never_json_ends_in_a_shortfall() -> None:
    with pytest.raises(Shortfall, match=r"wrote 0 of 3 people in 3 calls.*3 × not JSON"):
        made(replies("I would love to help."))


def test_a_refusal_is_nobody() -> None:
    with pytest.raises(Shortfall, match="3 × refusal"):
        made(replies(REFUSAL))
    assert len(made(replies(REFUSAL, users(1, 2, 3)))[0]) == 3


def test_many_are_asked_for_in_several_calls() -> None:
    def reply(asked: str) -> str:
        start = max([0, *(int(w.strip(",.")[2:]) + 1 for w in asked.split() if w[:2] == "No")])
        return users(*range(start, start + 25))

    personas, server = made(by_prompt(reply), n=60)
    assert len({p.description for p in personas}) == 60
    assert ["Give me 10 more" in p for p in prompts(server)] == [False, False, True]


def test_a_short_context_is_asked_for_fewer_at_once() -> None:
    able = ABLE.__class__(**{**ABLE.__dict__, "context_length": 1300})
    with serving(replies(users(1, 2), users(3))) as server:
        with LanguageModel(settings(server), capabilities=able) as model:
            llm_baseline("one_shot_list", load_context(ELDERS), 3, 0, model)
        assert "Give me 2 diverse users" in prompts(server)[0]


def test_each_seed_takes_answers_of_its_own(tmp_path: Path) -> None:
    kept = {"mode": "readwrite", "file": str(tmp_path / "answers.sqlite")}
    with serving(replies(users(1, 2, 3), users(4, 5, 6))) as server:
        first, second, again = (ask(server, seed=s, cache=kept) for s in (0, 1, 0))
        assert first == again != second
        assert len(server.bodies) == 2


def test_a_population_is_replayed_without_a_server(tmp_path: Path) -> None:
    kept = {"mode": "readwrite", "file": str(tmp_path / "answers.sqlite")}
    with serving(replies("no", users(1, 2), users(3))) as server:
        first, url = ask(server, cache=kept), server.url
    assert ask(url, cache=kept | {"mode": "replay"}) == first


# ---- names, memories


def test_name_only_keeps_the_name_alone() -> None:
    personas, server = made(replies(users(1, 2, 3)), name="name_only")
    assert [p.description for p in personas] == [f"{user(k)['name']}." for k in (1, 2, 3)]
    assert '"description"' not in prompts(server)[0]


def remembers(asked: str) -> str:
    if "formative memories" not in asked:
        return users(1, 2, 3)
    name = next(f"{n} No{k}" for k, n in enumerate(NAMES) if f"One of them is {n} No{k}." in asked)
    return json.dumps({"memories": [f"{name} broke a clock.", f"{name} mended it."]})


def test_formative_memories_are_of_each_alone() -> None:
    personas, server = made(by_prompt(remembers), name="formative_memories")
    assert len(server.bodies) == 4
    for person, number in zip(personas, (1, 2, 3), strict=True):
        name = user(number)["name"]
        assert (person.name, person.memories) == (
            name, (f"{name} broke a clock.", f"{name} mended it."),
        )  # fmt: skip
        assert person.description == " ".join(person.memories)
    first = prompts(server)[0]
    for axis in load_context(ELDERS).axes:
        assert all(told in first for told in (axis.name, axis.low_label, axis.high_label))


def test_memories_that_do_not_come_are_a_shortfall() -> None:
    def reply(asked: str) -> str:
        return '{"memories": "none"}' if "One of them is Bo" in asked else remembers(asked)

    with pytest.raises(Shortfall, match=r"formative_memories: .* 2 of 3 .*1 × malformed"):
        made(by_prompt(reply), name="formative_memories")


@pytest.mark.parametrize("bad", ["7", '["a b", "c d"]', '{"memories": 5}', '{"memories": [1, 2]}'])
def test_memories_in_another_shape_are_repaired(bad: str) -> None:
    behaviour = replies(users(1), bad, MEMORIES)
    (person,) = made(behaviour, name="formative_memories", n=1)[0]
    assert person.memories == ("I broke a clock at six.", "I mended it at nine.")


# ---- the wall, the command


@pytest.mark.parametrize("name", LLM_BASELINES)
def test_nothing_hidden_reaches_the_model(name: str, companion: Context) -> None:
    with serving(by_prompt(remembers)) as server:
        with LanguageModel(settings(server), capabilities=ABLE) as model:
            llm_baseline(name, companion, 3, 0, model)
        sent = json.dumps(server.bodies, ensure_ascii=False)
    assert companion.description in sent
    for _, text in hidden_sentences(companion):
        assert text not in sent
        assert json.dumps(text)[1:-1] not in sent


def test_an_unknown_baseline_names_the_known_ones() -> None:
    with (
        LanguageModel(settings("http://127.0.0.1:9/v1"), capabilities=ABLE) as model,
        pytest.raises(InputError, match="llm:best: no such baseline; known: llm:one_shot_list,"),
    ):
        llm_baseline("best", load_context(ELDERS), 3, 0, model)


PRICED = "llm.prices=[{model: '*', input: 1, output: 1, as_of: 2026-11-01}]"


def words(server: ModelServer, *more: str) -> tuple[str | Path, ...]:
    return (
        "generate", "llm:one_shot_list", "--context", ELDERS, "-n", "3", "--llm", server.url,
        "--model", "tiny", "--set", PRICED,
        *more,
    )  # fmt: skip


def test_the_command_writes_a_file_that_score_takes(tmp_path: Path) -> None:
    out, file = tmp_path / "p.jsonl", tmp_path / "answers.sqlite"
    cache = ("--set", f"llm.cache.file={file}")
    with serving(replies(users(1, 2, 3))) as server:
        said = gamut(*words(server, "--out", str(out), *cache))
        assert said.out == ""
        assert "asking for 3 people; 0 of 3 are there" in said.err
        assert f"3 personas: {out}" in said.err
        assert "tiny: " in said.err
        assert "USD" in said.err
        replay = words(server, "--set", "llm.cache.mode=replay", *cache)
    assert len(read_personas(out)) == 3
    assert gamut(*replay).out == out.read_text("utf-8")
    assert json.loads(gamut("score", out, "--context", ELDERS, "--json").out)["n"] == 3


def test_the_command_writes_nothing_where_too_few_come(tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    with serving(replies(users(1, 2))) as server:
        said = gamut(*words(server, "--out", str(out)), status=1)
    assert "the model wrote 2 of 3 people" in said.err
    assert not out.exists()


def test_the_command_holds_a_budget() -> None:
    with serving(replies(users(1), answer("x"))) as server:
        said = gamut(*words(server, "--set", "llm.budget.calls=1"), status=1)
    assert "llm.budget.calls" in said.err


def test_the_command_refuses_what_names_no_model() -> None:
    base = ("generate", "llm:one_shot_list", "--context", ELDERS)
    refused(*base, said=("--llm is missing",))
    refused(*base, "--llm", "local", said=("--model is missing",))
    url = ("--llm", "http://127.0.0.1:9/v1", "--model", "m")
    refused(*base, *url, said=("llm.prices: no price for m",))
    refused(*base, *url, "--set", "budget=1", said=("--set budget=1: should be llm.KEY=VALUE",))
    refused(*base, *url, "--set", "llm.budget.cals=1", said=("llm.budget.cals: unknown key",))
    sides = ("compare", "llm:one_shot_list", "baseline:middle", "--context", ELDERS)
    refused(*sides, said=("`gamut generate llm:one_shot_list --out people.jsonl", "give that file"))

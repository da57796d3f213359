"""The respondent llm: recovery by a model that can, refusal of one that cannot, missing answers."""

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import gamut
from model_server import ABLE, FREE, Handler, ModelServer, answer, fine, serving, settings
from small_run import OWN

from fitness.respondents.interface import Reading
from fitness.respondents.llm import (
    Calibration,
    Interview,
    LlmRespondent,
    Scale,
    ask_items,
    calibrate,
    measure_anchors,
)
from fitness.respondents.llm.calibration import _anchors
from fitness.respondents.llm.questions import Question
from generators.context import Context
from generators.errors import InputError
from generators.llm import Answer, LanguageModel, LLMError, Reason, TokenLogprobs, Usage
from generators.persona import Persona

Opinion = Callable[[str, str], float | None]
"""How much a persona (its text) agrees with an item, in [0, 1]; None: no answer to that."""
SCALE = Scale(1.0, False)


def logprobs(chances: dict[str, float]) -> dict[str, Any]:
    top = [{"token": t, "logprob": math.log(p)} for t, p in chances.items()]
    return {"content": [{**top[0], "top_logprobs": top}]}


def digits(level: float) -> dict[str, float]:
    """Chances of digits whose expectation is 1 + 4 × level, as a cautious model's."""
    low = min(3, int(level * 4))
    part = level * 4 - low
    return {str(low + 1): max(1 - part, 1e-9), str(low + 2): max(part, 1e-9)}


def persona(
    opinion: Opinion, *, reverses: bool = True
) -> Callable[[Handler, dict[str, Any]], None]:
    """A model with opinions, which heeds a reversed scale if it `reverses`."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        messages = [message["content"] for message in body["messages"]]
        if len(messages) < 2 or "Statement: " not in messages[1]:
            fine(handler, body)  # a probe
            return
        system, user = messages[:2]
        text = system.partition("\n")[2].partition("\n\nYou are shown")[0]
        level = opinion(text, user.partition("Statement: ")[2].partition("\nDigit:")[0])
        if level is None:
            handler.send(answer("I would rather not say."))
            return
        if "1 strongly agree" in system and reverses:
            level = 1 - level
        if not body.get("logprobs"):
            handler.send(answer(str(round(1 + 4 * level))))
            return
        chances = digits(level)
        said = answer(next(iter(chances)))
        said["choices"][0]["logprobs"] = logprobs(chances)
        handler.send(said)

    return behave


def anchor_opinion(spread: float = 0.1, liking: float = 0.0) -> Opinion:
    """As the anchors are, faintly: levels move answers by `spread`; `liking` to agree."""
    axes, texts, levels = _anchors()
    known = {i["text"]: (n, i["key"]) for n, axis in enumerate(axes) for i in axis["items"]}

    def opinion(text: str, item: str) -> float:
        axis, key = known[item]
        return 0.5 + liking + key * spread * (levels[texts.index(text), axis] - 0.5)

    return opinion


def marked(context: Context, spread: float = 1.0, otherwise: Opinion | None = None) -> Opinion:
    """Of personas whose text says `axis=level`; whoever says nothing is in the middle. `otherwise`
    is the opinion of other items."""
    known = {
        item.text: (axis.id, item.key)
        for axis in context.axes
        for item in (axis.hidden.items if axis.hidden else ())
    }

    def opinion(text: str, item: str) -> float | None:
        if item not in known and otherwise:
            return otherwise(text, item)
        axis, key = known[item]
        level = json.loads(text)[axis] if text.startswith("{") else 0.5
        return 0.5 + key * spread * (level - 0.5)

    return opinion


def people(context: Context, levels: list[list[float]]) -> list[Persona]:
    ids = [axis.id for axis in context.axes]
    texts = [json.dumps(dict(zip(ids, row, strict=True))) for row in levels]
    return [Persona(id=str(i), name="X", description=text) for i, text in enumerate(texts)]


@pytest.fixture
def opened() -> Iterator[Callable[..., LanguageModel]]:
    models: list[LanguageModel] = []

    def open_one(server: ModelServer | str, able: Any = ABLE, **changes: Any) -> LanguageModel:
        models.append(LanguageModel(settings(server, **changes), capabilities=able))
        return models[-1]

    yield open_one
    for model in models:
        model.close()


def test_faint_answers_become_levels_by_the_anchors_alone(opened: Any, elders: Context) -> None:
    """A model whose answers spread over a tenth of the scale, that likes to agree, and that agrees
    with some items more than with others whoever it is."""
    marks = marked(elders, 0.1, anchor_opinion(0.1))

    def slant(item: str) -> float:
        return 0.05 * (len(item) % 5 - 2)

    def either(text: str, item: str) -> float:
        return float(marks(text, item) or 0) + 0.1 + slant(item)

    slants = [slant(item["text"]) for axis in _anchors()[0] for item in axis["items"]]
    levels = [[0.1, 0.9], [0.5, 0.5], [0.9, 0.2]]
    with serving(persona(either)) as server:
        model = opened(server)
        found = measure_anchors(model)
        respondent = LlmRespondent(elders, model, calibrate(model))
        reading = respondent.read(people(elders, levels))
    assert found.mean_reliability > 0.9
    assert found.acquiescence == pytest.approx(0.1 + np.mean(slants), abs=0.01)
    assert found.own_third == 1.0
    assert found.shared == pytest.approx(0.0, abs=0.05)
    assert np.array(reading.levels) == pytest.approx(np.array(levels), abs=0.02)
    assert all(all(row) for row in reading.firm)


@pytest.mark.parametrize("reverses", [True, False])
def test_a_reversed_scale_is_used_only_where_it_is_understood(
    opened: Any, elders: Context, reverses: bool
) -> None:
    opinion = anchor_opinion(0.8)
    with serving(persona(opinion, reverses=reverses)) as server:
        found = measure_anchors(opened(server))
        asked = len(server.bodies)
        assert found.scale.reversed_understood is reverses
        assert (found.reversed > 0.9) is reverses
        server.behaviour = persona(marked(elders), reverses=reverses)
        respondent = LlmRespondent(elders, opened(server), found.scale)
        respondent.read(people(elders, [[0.1, 0.9]]))
        turned = ["1 strongly agree" in b["messages"][0]["content"] for b in server.bodies[asked:]]
    assert sum(turned) == (len(turned) // 2 if reverses else 0)


def test_noise_is_refused_with_the_figure(opened: Any) -> None:
    draw = random.Random(1)
    with serving(persona(lambda *_: draw.random())) as server, pytest.raises(InputError) as refused:
        calibrate(opened(server))
    assert "is too unreliable to read levels: rank correlation" in str(refused.value)
    assert "0.6 is needed" in str(refused.value)
    assert "use a larger model" in str(refused.value)


def test_without_logprobs_samples_are_asked_and_their_variance_is_shown(
    opened: Any, elders: Context
) -> None:
    draw = random.Random(2)
    marks = marked(elders)

    def wavering(text: str, item: str) -> float:
        return min(1.0, max(0.0, (marks(text, item) or 0.0) + draw.gauss(0, 0.15)))

    levels = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [0.2, 0.8]]
    with serving(persona(wavering)) as server:
        model = opened(server, replace(ABLE, top_logprobs=0))
        interview = LlmRespondent(elders, model, SCALE).interview(people(elders, levels))
    assert interview.answers.shape == (4, 12, 5)
    parts = interview.variances()
    assert parts["run"] > 0.005
    assert parts["persona"] > 5 * parts["persona_item"]
    assert interview.raw() == pytest.approx(np.array(levels), abs=0.12)


@pytest.mark.parametrize(
    ("text", "digit"),
    [
        ("4", 4), (" 4.", 4), ("**5**", 5), ("2 - disagree", 2), ("1: strongly disagree.", 1),
        ("living in 2035", None), ("5 years ago I would have agreed", None), ("45", None),
        ("I agree", None), ("0", None), ("6", None), ("", None), ("3 or 4", None),
    ],
)  # fmt: skip
def test_only_a_digit_of_the_scale_is_an_answer(text: str, digit: int | None) -> None:
    value = Question("p", "i", False, "0").value(Answer(text, "stop", Usage(1, 1), "m"))
    assert (None if math.isnan(value) else 1 + 4 * value) == digit


def test_a_refusal_and_mass_off_the_scale_are_missing_not_the_middle() -> None:
    asked = Question("p", "i", False, "0")
    assert math.isnan(asked.value(LLMError(Reason.REFUSAL, "respond", "no")))
    top = (("As", math.log(0.9)), ("3", math.log(0.1)))
    off = Answer("As", "stop", Usage(1, 1), "m", (TokenLogprobs("As", math.log(0.9), top),))
    assert math.isnan(asked.value(off))


def test_a_failed_item_widens_the_error_and_voids_nothing(opened: Any, elders: Context) -> None:
    marks, skipped = marked(elders), elders.axes[0].hidden
    assert skipped is not None
    lost = next(item.text for item in skipped.items if item.key == 1)
    slant = {item.text: 0.1 * (i % 3) for i, item in enumerate(skipped.items)}

    def opinion(text: str, item: str) -> float:
        return 0.8 * (marks(text, item) or 0.0) + slant.get(item, 0.0)

    whole, partly = [], []
    for broken, found in ((False, whole), (True, partly)):

        def now(text: str, item: str, broken: bool = broken) -> float | None:
            return None if broken and item == lost else opinion(text, item)

        with serving(persona(now)) as server:
            respondent = LlmRespondent(elders, opened(server), SCALE)
            found.append(respondent.interview(people(elders, [[0.9, 0.1], [0.2, 0.5]])))
    before, after = whole[0], partly[0]
    assert np.isnan(after.answers).sum() == 2
    assert not np.isnan(after.raw()).any()
    assert (after.errors()[:, 0] != before.errors()[:, 0]).all()
    assert after.errors()[:, 1] == pytest.approx(before.errors()[:, 1])
    assert np.mean(after.errors()[:, 0]) > 0


def test_fewer_than_half_of_a_keys_items_give_no_level(opened: Any, elders: Context) -> None:
    marks, hidden = marked(elders), elders.axes[1].hidden
    assert hidden is not None
    lost = [item.text for item in hidden.items if item.key == -1][:2]
    with serving(persona(lambda t, i: None if i in lost else marks(t, i))) as server:
        reading = LlmRespondent(elders, opened(server), SCALE).read(people(elders, [[0.9, 0.1]]))
    assert reading.levels[0][1] is None
    assert reading.firm[0] == [True, False]


def test_one_item_that_decides_a_third_leaves_no_firm_level() -> None:
    answers = np.array([[[0.75], [0.75], [0.60], [0.35], [0.35], [0.35]]])
    keys, axes = np.array([1, 1, 1, -1, -1, -1]), np.zeros(6, dtype=int)
    interview = Interview(answers, keys, axes)
    level = SCALE.level(interview.raw())
    left = SCALE.level(interview.without_each())
    assert level[0, 0] > 2 / 3
    assert (left < 2 / 3).any()


def test_a_persona_stays_on_one_lane_and_reasons_where_it_should(
    opened: Any, elders: Context
) -> None:
    with serving(persona(marked(elders))) as server:
        model = opened(server, concurrency=4)
        items = [("I like tea.", 1, 0)]
        server.behaviour = persona(lambda *_: 0.75)
        plain = ask_items(model, ["a", "b"], items)
        count = len(server.bodies)
        brief = ask_items(model, ["a", "b"], items, reasoning="brief")
    assert plain.answers == pytest.approx(0.75)
    assert brief.answers == pytest.approx(0.75)
    assert len(server.bodies) == 3 * count
    last = server.bodies[-1]["messages"]
    assert [m["role"] for m in last] == ["system", "user", "assistant", "user"]
    assert "What kind of person am I?" in last[1]["content"]


def test_a_replay_needs_no_server(opened: Any, elders: Context, tmp_path: Path) -> None:
    cache = tmp_path / "answers.sqlite"
    with serving(persona(marked(elders))) as server:
        model = opened(server, cache={"mode": "readwrite", "file": str(cache)})
        first = LlmRespondent(elders, model, SCALE).read(people(elders, [[0.9, 0.1]]))
        url = server.url
    replay = opened(url, cache={"mode": "replay", "file": str(cache)})
    again = LlmRespondent(elders, replay, SCALE).read(people(elders, [[0.9, 0.1]]))
    assert isinstance(again, Reading)
    assert again == first


def test_commands_score_and_measure_with_a_model(elders: Context, tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    told = people(elders, [[0.1, 0.9], [0.9, 0.9]])
    file.write_text("".join(json.dumps({"description": p.description}) + "\n" for p in told))
    with serving(persona(marked(elders, 0.5, anchor_opinion(0.5)))) as server:
        price = ["--set", f"llm.prices=[{json.dumps(FREE)}]"]
        named = ["--llm", server.url, "--model", "tiny"]
        how = ["--context", OWN, "--respondent", "llm"]
        found = gamut("score", file, *how, *named, *price, "--json").out
        said = gamut("doctor", *named, "--anchors").out
    points = np.array(json.loads(found)["points"])
    assert points == pytest.approx(np.array([[0.1, 0.9], [0.9, 0.9]]), abs=0.07)  # whole digits
    assert "may read levels: rank correlation" in said
    assert "takes one by --llm and --model" in gamut("score", file, *how, status=2).err


def test_a_calibration_is_plain_json(opened: Any) -> None:
    with serving(persona(anchor_opinion(0.5))) as server:
        found = measure_anchors(opened(server))
    assert isinstance(found, Calibration)
    plain = json.loads(json.dumps(found.as_json()))
    assert Scale(**plain["scale"]) == found.scale
    assert plain["reliable"] is True

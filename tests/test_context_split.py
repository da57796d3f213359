"""What is made of a context: public views, splits and halves."""

import copy
import json
from functools import partial
from pathlib import Path

import pytest
import yaml
from context_files import (
    A0,
    CONTENT,
    Change,
    Write,
    axis,
    content,
    draft,
    removed,
    replaced,
    saved,
)
from hypothesis import given
from hypothesis import strategies as st

from generators.context import (
    Axis,
    Context,
    guide_and_report,
    load_context,
    public_view,
    split_context,
)
from generators.errors import GamutError, InputError


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Saves data to a file of the test and gives its path."""
    return partial(saved, tmp_path)


# public_view


def test_a_view_holds_the_public_part_and_nothing_else() -> None:
    context = Context.model_validate(content())
    for seed in range(20):
        view = public_view(context, seed)
        text = json.dumps(view.payload)
        assert json.loads(text) == view.payload
        assert set(view.payload) == {"description", "axes"}
        for shown in view.payload["axes"]:
            assert set(shown) == {"name", "low_label", "high_label", "signs"}
        assert context.id not in text
        assert context.title not in text
        for number, part in enumerate(context.axes):
            assert f'"{part.id}"' not in text
            hidden = part.hidden
            assert hidden is not None
            for secret in (*hidden.low, *hidden.high, *(item.text for item in hidden.items)):
                assert secret not in text, number


def test_a_view_says_which_axis_and_pole_is_which() -> None:
    context = Context.model_validate(content())
    seen = set()
    for seed in range(30):
        view = public_view(context, seed)
        seen.add((view.order, view.flips))
        for index, flipped, shown in zip(view.order, view.flips, view.payload["axes"], strict=True):
            part = context.axes[index]
            ends = [part.low_label, part.high_label]
            assert [shown["low_label"], shown["high_label"]] == (ends[::-1] if flipped else ends)
            signs = [part.signs.low, part.signs.high]
            low, high = signs[::-1] if flipped else signs
            assert sorted(shown["signs"]["low"]) == sorted(low)
            assert sorted(shown["signs"]["high"]) == sorted(high)
    assert len({order for order, _ in seen}) == 6
    assert len({flips for _, flips in seen}) == 8


def test_a_view_is_the_same_for_the_same_seed_only() -> None:
    context = Context.model_validate(content())
    assert public_view(context, 7) == public_view(context, 7)
    payloads = {json.dumps(public_view(context, seed).payload) for seed in range(10)}
    assert len(payloads) == 10
    first = public_view(context, 1).payload["axes"][0]["signs"]["low"]
    assert first != sorted(first)


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_restore_undoes_the_view(seed: int, levels: list[float]) -> None:
    view = public_view(Context.model_validate(CONTENT), seed)
    shown = [
        1 - levels[index] if flipped else levels[index]
        for index, flipped in zip(view.order, view.flips, strict=True)
    ]
    assert view.restore(shown) == pytest.approx(levels)


def test_restore_and_seed_refuse_what_does_not_fit() -> None:
    context = Context.model_validate(CONTENT)
    with pytest.raises(GamutError, match="2 levels for 3 axes"):
        public_view(context, 0).restore([0.1, 0.2])
    with pytest.raises(InputError, match="seed"):
        public_view(context, -1)


# split_context


@pytest.mark.parametrize(("count", "items"), [(8, 6), (9, 10), (11, 0), (12, 0), (13, 0), (40, 0)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_split_is_a_context_of_the_same_sentences(
    write: Write, count: int, items: int, seed: int
) -> None:
    data = draft(count, items)
    context = load_context(write(split_context(write(data), seed), "split.yaml"))
    for part, given_part in zip(context.axes, data["axes"], strict=True):
        hidden = part.hidden
        assert hidden is not None
        for pole, key in (("low", -1), ("high", 1)):
            made = [i.text for i in hidden.items if i.key == key] if not items else []
            signs, statements = getattr(part.signs, pole), getattr(hidden, pole)
            everything = [*signs, *statements, *made]
            assert sorted(everything) == sorted(given_part["statements"][pole])
            assert abs(len(signs) - len(statements)) <= 1
            assert len(made) == (0 if items else count // 3)
        if items:
            assert [i.model_dump() for i in hidden.items] == given_part["items"]


def test_a_split_is_chosen_by_seed(write: Write) -> None:
    path = write(draft(12))
    assert split_context(path, 3) == split_context(path, 3)
    assert len({split_context(path, seed) for seed in range(5)}) == 5


def test_near_duplicates_stay_on_one_side(write: Write) -> None:
    data = draft(12)
    first, second = data["axes"][0]["statements"], data["axes"][1]["statements"]
    first["low"][:2] = ["I keep a small dog at home.", "I do keep a small dog at home!"]
    first["high"][0] = "Keeps a small dog at home with their aunt."
    second["low"][5] = "At home I keep a small dog."
    for seed in range(10):
        text = split_context(write(data), seed)
        load_context(write(text, "split.yaml"))
        context = yaml.safe_load(text)
        public = json.dumps([part["signs"] for part in context["axes"]])
        assert public.count("small dog") in (0, 4)


def test_statements_near_a_given_item_stay_hidden(write: Write) -> None:
    data = draft(12, 10)
    data["axes"][0]["items"][0]["text"] = "I keep a small dog at home."
    data["axes"][1]["statements"]["low"][0] = "I always keep a small dog at home."
    for seed in range(10):
        context = yaml.safe_load(split_context(write(data), seed))
        assert "small dog" in json.dumps(context["axes"][1]["hidden"]["low"])


def test_too_many_near_duplicates_are_refused_by_name(write: Write) -> None:
    data = draft(8, 6)
    data["axes"][1]["statements"]["high"][:6] = [
        f"I keep a small dog at home {word}." for word in "abcdef"
    ]
    with pytest.raises(InputError, match=r"nearly the same(.|\n)*axes\[1\]\.statements\.high\[0\]"):
        split_context(write(data))


def test_a_finished_axis_passes_through_a_split(write: Write) -> None:
    data = draft(12)
    done = axis("trust")
    data["axes"].append(done)
    context = load_context(write(split_context(write(data)), "split.yaml"))
    assert context.axes[2] == Axis.model_validate(done)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (
            replaced(*A0, "statements", "low", to=["I nap."] * 7),
            "axes[0].statements.low: has 7; at",
        ),
        (replaced(*A0, "signs", to=axis("zest")["signs"]), "axes[0]: needs either `statements`"),
        (replaced(*A0, "hidden", to=axis("zest")["hidden"]), "axes[0]: `hidden` is made of"),
        (removed(*A0, "statements"), "axes[0]: needs either `statements` to split, or `signs`"),
        (replaced(*A0, "statments", to={}), "axes[0].statments: unknown key; did you mean"),
        (replaced(*A0, "items", to=[{"text": f"I {n}.", "key": 1} for n in range(6)]), "keyed -1"),
        (replaced(*A0, "statements", "low", 1, to="I one"), "written twice"),
    ],
)
def test_what_is_wrong_with_a_draft_is_named(write: Write, change: Change, part: str) -> None:
    data = draft(12)
    data["axes"][0]["statements"]["low"][0] = "I one."
    change(data)
    path = write(data)
    with pytest.raises(InputError) as caught:
        split_context(path)
    assert part in str(caught.value)
    assert str(path) in str(caught.value)


def test_too_few_statements_to_make_items_of(write: Write) -> None:
    with pytest.raises(InputError, match="has 10; at least 11 statements a pole"):
        split_context(write(draft(10)))


def test_nothing_to_split(write: Write) -> None:
    with pytest.raises(InputError, match="no axis has `statements`"):
        split_context(write(content()))


# guide_and_report


@pytest.mark.parametrize(("statements", "items"), [(8, 10), (4, 6), (9, 11)])
def test_the_halves_part_the_hidden_texts(statements: int, items: int) -> None:
    data = content("zest", "calm")
    data["axes"] = [axis(name, statements, items) for name in ("zest", "calm")]
    context = Context.model_validate(data)
    guide, report = guide_and_report(context, 5)
    assert guide.public() == report.public() == context.public()
    for whole, first, second in zip(context.axes, guide.axes, report.axes, strict=True):
        assert whole.hidden is not None
        assert first.hidden is not None
        assert second.hidden is not None
        for field in ("low", "high", "items"):
            one, two = getattr(first.hidden, field), getattr(second.hidden, field)
            everything = getattr(whole.hidden, field)
            assert not set(one) & set(two)
            assert set(one) | set(two) == set(everything)
            assert abs(len(one) - len(two)) <= 1
            assert list(one) == [text for text in everything if text in one]
        for half in (first.hidden, second.hidden):
            assert {item.key for item in half.items} == {1, -1}
    assert Context.model_validate(json.loads(guide.model_dump_json(by_alias=True))) == guide


def test_the_halves_are_chosen_by_seed() -> None:
    context = Context.model_validate(content())
    assert guide_and_report(context, 1) == guide_and_report(context, 1)
    assert len({guide_and_report(context, seed)[0].hash for seed in range(5)}) == 5


def test_too_few_hidden_texts_to_halve() -> None:
    data = content()
    for item in data["axes"][1]["hidden"]["items"][2:]:
        item["key"] = 1
    data["axes"][1]["hidden"]["items"][0]["key"] = -1
    data["axes"][1]["hidden"]["items"][1]["key"] = 1
    with pytest.raises(InputError, match=r"axes\[1\]\.hidden\.items: has 1 keyed -1; 2 of each"):
        guide_and_report(Context.model_validate(data), 0)
    few = copy.deepcopy(CONTENT)
    del few["axes"][0]["hidden"]["high"][3:]
    with pytest.raises(InputError, match=r"axes\[0\]\.hidden\.high: has 3; 4 statements are"):
        guide_and_report(Context.model_validate(few), 0)
    del few["axes"][2]["hidden"], few["axes"][0]["hidden"]
    with pytest.raises(InputError, match=r"axes\[0\]\.hidden: missing"):
        guide_and_report(Context.model_validate(few), 0)

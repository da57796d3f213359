"""Models that vary programs for tests: what they answer depends on what they are asked alone."""

import ast
import random
import re
import threading
from typing import Any

from model_server import Handler, answer, fine, words

from generators.llm import Answer, Request, Usage

_OPTIONS: tuple[tuple[Any, ...], ...] = (
    ("axis", "turns", "mixed"), ("first", "third"), ("plain", "linked", "listed"), (2, 3)
)  # fmt: skip
_DELAYS = random.Random()
_PROGRAM = re.compile(r"```python\n(.*?)\n```", re.DOTALL)


def reply_to(messages: list[tuple[str, str]], mischief: float = 0.3, sample: int = 0) -> str:
    """A reply to a question: the parent with a constant changed, in the form that is asked for.

    Of `mischief` such replies one cannot be used, for one of several reasons.
    """
    draw = random.Random(f"{sample} {messages}")
    said = " ".join(text for _, text in messages)
    parent = _PROGRAM.findall(messages[1][1])[0]
    if draw.random() < mischief:
        return draw.choice(
            ["I would rather not.", "```python\nimport os\n```", f"```python\n{parent}\n```",
             "<<<<<<< SEARCH\nno such line\n=======\nx = 1\n>>>>>>> REPLACE"]
        )  # fmt: skip
    child = varied(parent, draw)
    if "<<<<<<< SEARCH" in said:
        return f"Here.\n<<<<<<< SEARCH\n{parent}\n=======\n{child}\n>>>>>>> REPLACE\nDone."
    return f"Here it is.\n```python\n{child}\n```\nIt covers more."


def varied(source: str, draw: random.Random) -> str:
    """A program with other options and other whole numbers, and a mark that makes it new."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            for options in _OPTIONS:
                if node.value in options and type(node.value) is type(options[0]):
                    node.value = draw.choice(options)
    main = next(s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "generate")
    main.body.insert(0, ast.parse(f"mark = {draw.randrange(10**6)}").body[0])
    return ast.unparse(ast.fix_missing_locations(tree))


class FakeModel:
    """As much of a `LanguageModel` as the writer needs; counts what it is asked."""

    def __init__(self, *answers: Any, mischief: float = 0.3) -> None:
        """`answers`: texts to give, or errors to raise, in turn; then, or with none, `reply_to`."""
        self.left = list(answers)
        self.asked: list[Request] = []
        self.mischief = mischief
        self._lock = threading.Lock()

    def ask(self, request: Request) -> Answer:
        """The next answer."""
        with self._lock:
            self.asked.append(request)
            said = self.left.pop(0) if self.left else None
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Answer):
            return said
        text = said or reply_to(list(request.messages), self.mischief, request.sample)
        prompt = sum(len(t.split()) for _, t in request.messages)
        return Answer(text, "stop", Usage(prompt, len(text.split())), "tiny")


def writes(handler: Handler, body: dict[str, Any]) -> None:
    """How a real server (see `model_server`) answers: questions of `mutate` by `reply_to`."""
    messages = [(m["role"], m["content"]) for m in body["messages"]]
    if "python" not in messages[-1][1] and "SEARCH" not in messages[-1][1]:
        fine(handler, body)  # the probe
        return
    text = reply_to(messages, sample=body.get("seed") or 0)
    usage = {"prompt_tokens": words(body), "completion_tokens": len(text.split())}
    plain = answer(text, usage=usage)
    handler.server.ended.wait(_DELAYS.random() / 20)  # whoever is asked first answers first or not
    handler.send(plain)

"""The command about this machine: doctor."""

import json
import os
import platform
from typing import Annotated, Any

import typer

from evolve.commands.asking import KEY_ENV, LLM, MODEL

_ANCHOR_CALLS = 10_000  # most: several samples an item where the server gives no logprobs


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("doctor")(doctor)


def doctor(
    llm: LLM = None,
    model: MODEL = None,
    key_env: KEY_ENV = None,
    anchors: Annotated[
        bool,
        typer.Option(
            "--anchors",
            help="Also interview anchor personas of known position: may it be a respondent?",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what this machine offers, and what a model can do.

    Sandbox, embedder, cache, cores; of a language model what its server supports, and what Gamut
    does instead where it does not.

    The probe of a model is a handful of short questions, which a hosted server charges for;
    --anchors are some six hundred, minutes on two cores, and are kept.

    Example: gamut doctor --llm http://127.0.0.1:8712/v1 --model NAME
    """
    found = _findings()
    found["models"] = _probe(llm, model, key_env, anchors)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    sandbox = found["sandbox"]
    print(f"gamut     {found['version']} on Python {found['python']}, {found['cores']} cores")
    print(
        f"sandbox   {sandbox['level']} ({sandbox['why'] or 'jailed by ' + str(sandbox['bwrap'])})"
    )
    print(f"embedder  {found['embedder']}")
    print(f"cache     {found['cache']}{'' if found['cache_writable'] else ' (not writable)'}")
    print("\n".join(_in_words(found["models"])))


def _probe(
    llm: str | None, model: str | None, key_env: str | None, anchors: bool
) -> dict[str, Any] | None:
    """What a model can do, by the plain names of its capabilities; None where none is named."""
    from generators.errors import InputError

    if llm is None:
        if model or key_env or anchors:
            raise InputError("--llm is missing: give the address of the model's server")
        return None
    if model is None:
        raise InputError("--model is missing: give what the server calls the model")
    from evolve.commands.asking import named_settings
    from generators.llm import LanguageModel

    calls, mode = (_ANCHOR_CALLS, "readwrite") if anchors else (40, "off")
    given = [
        "llm.allow_unknown_price=true",  # it costs what the questions cost that the user asks for
        f"llm.budget={{calls: {calls}}}",
        f"llm.cache.mode={mode}",
    ]
    settings = named_settings(llm, model, key_env, given)
    with LanguageModel(settings) as opened:
        found = {
            "base_url": settings.base_url,
            "model": model,
            **opened.capabilities(fresh=True).plain(),
        }
        if anchors:
            from fitness.respondents.llm import measure_anchors

            calibration = measure_anchors(opened)
            found["anchors"] = {**calibration.as_json(), "words": calibration.words()}
        return {**found, "spent": opened.spent()["total"]}


def _in_words(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return ["models    none asked for; `gamut doctor --llm URL --model NAME` probes one"]
    lines = [f"model     {found['model']} at {found['base_url']}"]
    fallbacks = found["fallbacks"]
    for name, words in _FEATURES.items():
        missing = f"no; {fallbacks[name]}" if name in fallbacks else None
        lines.append(f"  {words:<16} {missing or _value(found, name)}")
    speed = (
        f"{found['latency']:.2f} s to a short answer, {found['seconds_per_token']:.3f} s a token"
    )
    lines.append(f"  {'speed':<16} {speed}")
    if "anchors" in found:
        lines.append(f"  {'as respondent':<16} {found['anchors']['words']}")
    return lines


_FEATURES = {
    "json_schema": "JSON schema",
    "top_logprobs": "logprobs",
    "seed": "seed",
    "temperature": "temperature",
    "usage": "token counts",
    "context_length": "context",
    "prompt_caching": "prompt cache",
}


def _value(found: dict[str, Any], name: str) -> str:
    if name == "seed":
        repeats = "repeated" if found["seed_repeats"] else "did not repeat"
        return f"taken; it {repeats} an answer"
    if name == "top_logprobs":
        return f"yes, up to {found[name]} alternatives"
    return f"{found[name]:,} tokens" if name == "context_length" else "yes"


def _findings() -> dict[str, Any]:
    from importlib.metadata import version

    from joblib import cpu_count

    from fitness.encoders import MiniLM
    from generators.cache import cache_folder
    from generators.errors import GamutError
    from generators.sandbox import probe

    try:
        embedder = MiniLM().fingerprint
    except GamutError as error:
        embedder = f"unusable: {error}"
    folder = cache_folder()
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return {
        "version": version("persona-gamut"),
        "python": platform.python_version(),
        "cores": cpu_count(),
        "sandbox": probe(),
        "embedder": embedder,
        "cache": str(folder),
        "cache_writable": os.access(existing, os.W_OK),
    }

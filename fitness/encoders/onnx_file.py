"""Files of models: found inside installed packages, checked, opened in onnxruntime."""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

from generators.errors import GamutError, InputError


def carried(package: str, file: str) -> Path:
    """A file inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder) / file
        if path.is_file():
            return path
    raise GamutError(f"the model file {file} is missing: reinstall the package {package}")


def sha256_of(path: Path) -> str:
    """The checksum of a file in hexadecimal digits."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: the model file cannot be read: {error.strerror}") from error


def open_session(model: Path | bytes, name: str) -> Any:
    """An onnxruntime session on one thread; `name` is what an error speaks of.

    Eight-bit products are added up exactly: on x86 processors without VNNI, sums of two would
    saturate by default, and the second encoder read otherwise there (cosine .996, down to .992).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common but this one
        raise InputError(f"{name}: no ONNX model that can be run: {error}") from error

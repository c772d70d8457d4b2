"""Which architectures and tokenizers the installed llama.cpp and transformers know, read from their files.

Asking them would import them: seconds, and native code in a process that only lists models. So names are looked up
where they stand written: in llama.cpp's library, whose literals end with a zero byte, and in transformers' source.
Where a file is not where it should be, everything is taken for known, and the program itself is the judge on loading.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from functools import cache
from pathlib import Path


_LIBRARIES = ("libllama.so", "libllama.dylib", "llama.dll")
_CAUSAL = re.compile(r"^MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = OrderedDict\(\s*(\[.*?\n    \])", re.MULTILINE | re.DOTALL)
_TIES = re.compile(r"^    tie_word_embeddings: bool(?: \| None)? = (True|False)", re.MULTILINE)


@cache
def llama_cpp_knows(name: str) -> bool:
    """Return whether ``name`` (an architecture, a pre-tokenizer) stands in llama.cpp's library."""
    library = _llama_cpp_library()
    return library is None or name.encode() + b"\0" in library


@cache
def _llama_cpp_library() -> bytes | None:
    """Return llama.cpp's library as bytes, 4 MB or so; None where it is not found."""
    chosen = os.environ.get("LLAMA_CPP_LIB_PATH")
    folders = [Path(chosen)] if chosen else [folder / "lib" for folder in _package("llama_cpp")]
    for file in (folder / name for folder in folders for name in _LIBRARIES):
        try:
            return file.read_bytes()
        except OSError:
            continue
    return None


@cache
def transformers_writes(model_type: str) -> bool:
    """Return whether transformers has a causal language model for ``model_type``, as config.json spells it."""
    known = _causal_types()
    return not known or model_type in known


@cache
def _causal_types() -> frozenset[str]:
    for folder in _package("transformers"):
        source = _text(folder / "models" / "auto" / "modeling_auto.py")
        found = _CAUSAL.search(source)
        if found is not None:
            return frozenset(name for name, _ in ast.literal_eval(found[1]))
    return frozenset()


@cache
def ties_by_default(model_type: str) -> bool | None:
    """Return whether transformers ties a ``model_type``'s output matrix to its embeddings if config.json does not say.

    None where its source does not tell.
    """
    family = model_type.replace("-", "_").removesuffix("_text")
    for folder in _package("transformers"):
        for file in sorted((folder / "models" / family).glob("configuration_*.py")) if family.isidentifier() else ():
            for made in _text(file).split("\nclass ")[1:]:
                if f'    model_type = "{model_type}"' in made and (found := _TIES.search(made)) is not None:
                    return found[1] == "True"
    return None


def installed(package: str) -> bool:
    """Return whether ``package`` could be imported."""
    return bool(_package(package))


def _package(name: str) -> list[Path]:
    """Return the folders of a package, found without running it."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    return [Path(folder) for folder in (found.submodule_search_locations or ())] if found is not None else []


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""

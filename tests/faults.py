"""Children of a test that end as native code ends a process.

``sitecustomize`` is the one module that Python imports before anything of ours, in every child, through PYTHONPATH.
What is written there makes a child die at its start, or gives it a llama.cpp that dies like one on another processor.
"""

from __future__ import annotations

import os
from pathlib import Path


def faulty(folder: Path, code: str) -> dict[str, str]:
    """Return this process's environment, in which every new Python runs ``code`` first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def dying_child(folder: Path, how: str) -> dict[str, str]:
    """Return an environment in which a supervised child does ``how`` before anything else."""
    return faulty(
        folder,
        f"import os, signal, sys\nif 'KOBOLD_MODULES_SUPERVISED' in os.environ:\n    {how}\n",
    )


def failing_assert(folder: Path) -> dict[str, str]:
    """Return an environment in which llama.cpp's own check fails, and ends the process, as soon as it writes."""
    return faulty(
        folder,
        """
import os, sys
if "KOBOLD_MODULES_SUPERVISED" in os.environ and "llamacpp.probe" not in str(sys.orig_argv):
    import ctypes
    os.environ["GGML_NO_BACKTRACE"] = "1"
    import llama_cpp
    abort = llama_cpp.llama_cpp._lib.ggml_abort
    abort.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p]
    llama_cpp.llama_decode = lambda *_: abort(b"/src/llama-context.cpp", 7, b"GGML_ASSERT(n_cells > 0) failed")
""",
    )


LIKE_AMX = """
# A llama.cpp as on a processor with AMX: it dies when it computes two tokens at once with weights in extra buffers.
import sys
if "kobold_modules" in str(sys.orig_argv):
    import os, signal, llama_cpp
    extra, load, decode = [], llama_cpp.llama_model_load_from_file, llama_cpp.llama_decode
    def llama_model_load_from_file(path, parameters):
        extra.append(parameters.use_extra_bufts and not parameters.vocab_only)
        return load(path, parameters)
    def llama_decode(context, batch):
        if extra[-1] and batch.n_tokens > 1:
            os.kill(os.getpid(), signal.SIGILL)
        return decode(context, batch)
    llama_cpp.llama_model_load_from_file, llama_cpp.llama_decode = llama_model_load_from_file, llama_decode
"""

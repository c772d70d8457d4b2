"""The children of ``doctor``: ``python -m kobold_modules.cli.commands.doctor_checks CHECK`` prints lines of JSON.

``{"what": str, "ok": bool, "text": str, ...}``; a kind of weights has its speed and what is left out beside that.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ... import supervised
from ...models.starter import starter_path


Finding = dict[str, Any]
SINGLY = 32  # tokens written one by one, to time them
FAR = 1.0  # nats a token between a kind of weights and F32: two bits cost 0.4, a broken kernel several


def processor() -> Iterator[Finding]:
    """Report what the processor is, and which of its instructions llama.cpp and torch use."""
    from ...backends.llamacpp.binding import build
    from ...backends.llamacpp.what_works import processor as name
    from ...cores import usable_cores

    yield _found("processor", f"{name().rpartition(' ')[0]}, {usable_cores()} cores")
    features = [part.partition("=") for part in build().replace(":", "|").split("|")]
    used = [key.strip() for key, _, value in features if value.strip() == "1"]
    yield _found("llama.cpp uses", " ".join(used) or "plain instructions", instructions=used)
    used = _torch_instructions()
    yield _found("torch uses", " ".join(used), instructions=used)


def _torch_instructions() -> list[str]:
    import torch

    used = [torch.backends.cpu.get_cpu_capability()]
    if torch.backends.mkldnn.is_available():
        used.append("oneDNN")
    for name, function in (
        ("AVX512_BF16", "_is_avx512_bf16_supported"),
        ("VNNI", "_is_vnni_supported"),
        ("AMX_TILE", "_is_amx_tile_supported"),
        ("AMX_FP16", "_is_amx_fp16_supported"),
    ):
        if getattr(torch.cpu, function, lambda: False)():
            used.append(name)
    return used


def llama() -> Iterator[Finding]:
    """Check whether llama.cpp writes with the starter model."""
    from ...backends.llamacpp.engine import LlamaEngine
    from ...generation.protocol import Request
    from ...models.find import resolve
    from ...records import TextChunk
    from ...sampling.settings import PRESETS

    with LlamaEngine(resolve("starter")) as engine:
        request = Request(text="It was", max_tokens=6, sampler=PRESETS["deterministic"])
        text = "".join(record.text for record in engine.generate(request) if isinstance(record, TextChunk))
    yield _found("llama.cpp", f"{importlib.metadata.version('llama-cpp-python')} writes: It was{text} ...")


def training() -> Iterator[Finding]:
    """Check whether torch finds gradients through the starter model."""
    import torch

    from ...backends.torch.load import load_torch_model
    from ...forward.prompt_loss import PromptLoss
    from ...models.find import resolve

    frozen = load_torch_model(resolve("starter"))
    loss = PromptLoss(frozen)
    prompt = frozen.table[:4].float().clone().requires_grad_(True)
    loss(prompt, torch.arange(32, device=frozen.device)[None]).backward()
    assert prompt.grad is not None
    yield _found("training", f"gradients flow on {frozen.device}" + ("" if loss.shares else " (slow path)"))


def weights() -> Iterator[Finding]:
    """Check with llama.cpp whether each common kind of weights works, what to leave out for it, and how fast it is.

    What was remembered of other models is forgotten: they are tried anew when they are next loaded.
    """
    from ...backends.llamacpp.quantise import KINDS
    from ...backends.llamacpp.what_works import forget

    forget()
    with tempfile.TemporaryDirectory(prefix="kobold-modules-doctor-") as name:
        folder = Path(name)
        made = subprocess.run(
            supervised.python("kobold_modules.backends.llamacpp.quantise", str(starter_path()), name, *KINDS),
            env=supervised.environment(),
            capture_output=True,
            check=False,
        )
        exact: Sequence[float] = ()
        for kind in KINDS:
            file = folder / f"{kind}.gguf"
            if not file.exists():
                yield _found(kind, "llama.cpp cannot make it, so it was not tried", made.returncode == 0)
                continue
            finding, nats = _tried(kind, file, exact)
            exact = exact or nats
            file.unlink()
            yield finding


def _tried(kind: str, file: Path, exact: Sequence[float]) -> tuple[Finding, Sequence[float]]:
    """Try what works of ``kind``. Returns the finding and the log-probabilities computed plainly."""
    from ...backends.llamacpp.features import REFERENCE
    from ...backends.llamacpp.weight_kinds import kind_of
    from ...backends.llamacpp.what_works import Report, climb, near, remember, run_probe

    reports: list[Report] = []

    def probe(path: Path, rungs: Sequence[int]) -> Report:
        reports.append(run_probe(path, rungs, singly=SINGLY))
        return reports[-1]

    outcome, certain = climb(kind_of(file), file, probe)
    if certain:
        remember(outcome)
    answered = [report for report in reports if outcome.rung in report.nats]
    plain = next((report.nats[REFERENCE] for report in reports if REFERENCE in report.nats), ())
    if outcome.rung is None or not answered:
        return _found(kind, outcome.sentence or f"no answer ({reports[0].error or reports[0].ended})", False), plain
    speed = answered[0].speed[outcome.rung]
    if exact and plain and not near(exact, plain, FAR):
        return _found(kind, "llama.cpp computes wrong numbers with it", False), plain
    text = f"works, {speed:,.0f} tokens/s" + (f". {outcome.sentence}" if outcome.sentence else "")
    return _found(kind, text, weights=kind, tokens_per_second=round(speed, 1), reason=outcome.reason), plain


def _found(what: str, text: str, well: bool = True, **more: Any) -> Finding:
    return {"what": what, "ok": well, "text": text, **more}


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    check.__name__: check for check in (processor, llama, training, weights)
}


def main(check: str) -> None:
    """Print what ``check`` finds, on what was our stdout; libraries may print to the other one."""
    supervised.enter()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        for finding in CHECKS[check]():
            print(json.dumps(finding), file=answers, flush=True)
    except Exception as error:  # a doctor reports every illness it meets
        finding = _found(check, f"{type(error).__name__}: {error}", False)
        print(json.dumps(finding), file=answers, flush=True)
    os._exit(0)  # threads of native libraries need not be waited for


if __name__ == "__main__":
    main(sys.argv[1])

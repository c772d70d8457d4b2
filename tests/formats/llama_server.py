"""The real llama-server, out of the package xllamacpp, in a process of its own.

Run as a program it serves MODEL with the adapters given, and prints its address: ``llama_server.py MODEL [LORA ...]``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class LlamaServer:
    """What a test asks of it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the decoded answer to ``body``."""
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def next_log_probabilities(
        self, prompt: str | list[int | str], scales: Sequence[float], top: int = 10
    ) -> dict[int, float]:
        """Return the ``top`` likeliest next tokens behind ``prompt``, under adapters at ``scales``."""
        answer = self.post(
            "/completion",
            {
                "prompt": prompt,
                "n_predict": 1,
                "n_probs": top,
                "temperature": 0,
                "cache_prompt": False,
                "lora": [{"id": number, "scale": scale} for number, scale in enumerate(scales)],
            },
        )
        return {
            int(each["id"]): float(each["logprob"]) for each in answer["completion_probabilities"][0]["top_logprobs"]
        }


@contextmanager
def llama_server(model: Path, adapters: Sequence[Path] = ()) -> Iterator[LlamaServer]:
    """Run llama-server until the context ends."""
    command = [sys.executable, __file__, str(model), *map(str, adapters)]
    environment = os.environ | {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        try:
            lines = iter(child.stdout.readline, "")
            address = next((line.split()[1] for line in lines if line.startswith("ADDRESS ")), None)
            if not address and child.wait(300) < 0:  # not our adapter's doing: no request has been made yet
                pytest.skip(f"xllamacpp's llama.cpp ends by signal {-child.wait()} on this processor")
            assert address, f"llama-server did not start ({child.poll()})"
            yield LlamaServer(address)
        finally:
            child.kill()


def main(model: str, *adapters: str) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.n_ctx, parameters.n_parallel, parameters.port = 512, 1, 0
    parameters.warmup = False
    parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in adapters]
    server = xllamacpp.Server(parameters)
    print("\nADDRESS", server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])

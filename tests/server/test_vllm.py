"""vLLM as the one who writes: what it is sent, what comes back, and, where it is installed, that its text is ours."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.llamacpp.quantise import quantise
from kobold_modules.cli import main
from kobold_modules.generation.protocol import Request
from kobold_modules.models.embedding_table import rows_at
from kobold_modules.models.reference import ModelFile
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.last import text_in
from tests.server.process import fill_library, running


OPENING = "Once upon a time, there was a little girl named Lily."


class Vllm(BaseHTTPRequestHandler):
    """Answers as vLLM does, and keeps what it was sent."""

    sent: list[dict[str, Any]] = []  # noqa: RUF012
    refuses = ""

    def do_GET(self) -> None:
        self._send(200, json.dumps({"data": [{"id": "stories", "max_model_len": 256}]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.sent.append(body)
        if self.refuses:
            self._send(400, json.dumps({"error": {"message": self.refuses}}))
            return
        words = [" She", " saw", " a", " dog."]
        events: list[dict[str, Any]]
        events = [{"choices": [{"index": 0, "text": word, "finish_reason": None}]} for word in words]
        events.append({"choices": [{"index": 0, "text": "", "finish_reason": "length"}]})
        events.append({"choices": [], "usage": {"completion_tokens": 4}})
        self._send(200, "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n")

    def _send(self, status: int, data: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data.encode())))
        self.end_headers()
        self.wfile.write(data.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def vllm() -> Iterator[tuple[str, type[Vllm]]]:
    handler = type("Handler", (Vllm,), {"sent": [], "refuses": ""})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def rows_in(body: dict[str, Any]) -> np.ndarray:
    found = torch.load(io.BytesIO(base64.b64decode(body["prompt_embeds"])), weights_only=True)
    return np.asarray(found)


@pytest.mark.parametrize("form", ["stories260K-F32.gguf", "stories260K-hf"])
def test_stack_and_text_go_there_as_rows_and_text_streams_back(
    form: str,
    stories: Path,
    shelf: tuple[Path, dict[str, Module]],
    engine: LlamaEngine,
    vllm: tuple[str, type[Vllm]],
) -> None:
    """Issue 18, Past one machine: serve --backend vllm sends stack rows and text and streams back."""
    url, handler = vllm
    model = stories / form
    command = ["-m", "kobold_modules", "serve", "--model", str(model), "--backend", "vllm", "--url", f"{url}/v1/"]
    with running([*command, "--port", "0", "--json"], shelf[0]) as server:
        assert server.lines[0]["context"] == 256
        body = {"model": "noir", "prompt": OPENING, "max_tokens": 4, "temperature": 0.5, "stop": ["\n\n"], "seed": 3}
        assert server.post("/v1/completions", body).json["choices"][0] == {
            "text": " She saw a dog.",
            "index": 0,
            "logprobs": None,
            "finish_reason": "length",
        }
        events = server.post("/api/extra/generate/stream", {"prompt": OPENING, "max_length": 4}).events
        assert "".join(event["token"] for event in events) == " She saw a dog."
        handler.refuses = "prompt_embeds are not enabled"
        refused = server.post("/v1/completions", body)
        assert refused.status == 500
        assert "prompt_embeds are not enabled" in refused.json["error"]["message"]
        assert "--enable-prompt-embeds" in refused.json["error"]["message"]
    sent = handler.sent[0]
    file = ModelFile.at(model)
    words = rows_at(file.path, file.parts, engine.tokenize(OPENING))
    assert rows_in(sent) == pytest.approx(np.concatenate([shelf[1]["noir"].vectors, words]), abs=1e-6)
    assert (sent["model"], sent["temperature"], sent["seed"], sent["stop"]) == ("stories", 0.5, 3, ["\n\n"])
    assert rows_in(handler.sent[1]) == pytest.approx(words, abs=1e-6)


def test_where_nobody_answers_is_a_sentence(stories: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(stories / "stories260K-F32.gguf")
    with socket.socket() as taken:  # and not listened at: nobody else can be given this port meanwhile
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert main(["serve", "--model", model, "--port", "0", "--backend", "vllm", "--url", url]) == 5
    assert f"No vLLM answers at {url}" in capsys.readouterr().err
    assert main(["serve", "--model", model, "--port", "0", "--backend", "vllm", "--url", "localhost"]) == 2
    assert main(["serve", "--model", model, "--port", "0", "--url", url]) == 2


@pytest.fixture(scope="module")
def real(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a real vLLM with the starter, where one is installed.

    Not with stories260K: vLLM's attention on a CPU knows no heads of 8 numbers.
    """
    program = os.environ.get("KOBOLD_MODULES_VLLM", "")
    if not Path(program).is_file():
        pytest.skip("vLLM is not installed: bash scripts/install_vllm.sh FOLDER, KOBOLD_MODULES_VLLM=FOLDER/bin/vllm")
    folder = tmp_path_factory.mktemp("vllm")
    write_folder(starter, folder / "starter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"VLLM_TARGET_DEVICE": "cpu", "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    environment |= {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    command = [program, "serve", str(folder / "starter"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--enable-prompt-embeds", "--dtype", "float32", "--enforce-eager"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        while True:
            assert process.poll() is None, f"vLLM did not start: {folder / 'log'}"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(120)


def write_folder(gguf: Path, folder: Path) -> None:
    """Write the model in ``gguf`` as a Hugging Face folder in float32."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype="float32")
    del model.config.quantization_config
    model.hf_quantizer = None
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


@pytest.mark.slow
def test_a_real_vllm_writes_the_same_fifty_tokens(real: str, starter: Path, tmp_path: Path) -> None:
    """Issue 18: the same greedy 50 tokens as our engine, for three stacks; weights in float32 on both sides."""
    modules = fill_library(tmp_path / "shelf", starter)
    wide = tmp_path / "starter-F32.gguf"
    quantise(starter, wide, "F32")
    stacks = {
        "none": Stack(),
        "noir": Stack().add(modules["noir"]),
        "gothic + farce:0.5": Stack().add(modules["gothic"]).add(modules["farce"], 0.5),
    }
    prompt = "The rain had stopped an hour before dawn, and the street"
    greedy = Sampler(temperature=0, repetition=1)
    with LlamaEngine(ModelFile.at(wide), exact=True) as engine:
        ours = {
            name: text_in(engine.generate(Request(text=prompt, stack=stack, max_tokens=50, sampler=greedy)))
            for name, stack in stacks.items()
        }
    command = ["-m", "kobold_modules", "serve", "--model", str(starter), "--json", "--port", "0"]
    with running([*command, "--backend", "vllm", "--url", real], tmp_path / "shelf") as server:
        for name, text in ours.items():
            body = {"model": name, "prompt": prompt, "max_tokens": 50, "temperature": 0}
            assert server.post("/v1/completions", body).json["choices"][0]["text"] == text, name
    assert len(set(ours.values())) == 3

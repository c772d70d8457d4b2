"""Files of torch.save, old and new, and mkultra's: numbers are read, programs are not run."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.errors import BadModule
from kobold_modules.formats import limits, peft, read
from kobold_modules.formats.found import found_in_bytes
from kobold_modules.formats.pickled_tensors import arrays_in_pickle
from kobold_modules.soft_prompt.deep_prefix import with_rows


torch = pytest.importorskip("torch")
ROWS = np.random.default_rng(2).normal(size=(6, 16)).astype(np.float32)
NEW = pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])


def saved(value: Any, new: bool = True) -> bytes:
    out = io.BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=new)
    return out.getvalue()


def tensor() -> Any:
    return torch.from_numpy(ROWS.copy())


@NEW
@pytest.mark.parametrize(
    ("make", "tolerance"),
    [
        (lambda: tensor(), 0),
        (lambda: tensor().half(), 1e-3),
        (lambda: tensor().bfloat16(), 1e-2),
        (lambda: tensor().double(), 0),
        (lambda: tensor()[None], 0),
        (lambda: torch.nn.Parameter(tensor()), 0),
        (lambda: tensor().T.contiguous().T, 0),
        (lambda: torch.cat([torch.zeros(3, 16), tensor()])[3:], 0),
        (lambda: {"tensor": tensor()}, 0),
        (lambda: {"state": {"soft_prompt": tensor(), "bias": torch.zeros(16)}}, 0),
        (lambda: OrderedDict(prompt_embeddings=tensor()), 0),
        (lambda: {"tensor": tensor(), "opt_state": [tensor() * 2, torch.arange(3)], "step": 5, "loss": 2.5}, 0),
        (lambda: [tensor()], 0),
        (lambda: torch.nn.Embedding.from_pretrained(tensor()).state_dict(), 0),
    ],
)
def test_a_tensor_wherever_it_lies(new: bool, make: Any, tolerance: float) -> None:
    found = found_in_bytes(saved(make(), new), "x.pt")
    assert found.format == "torch"
    assert np.allclose(with_rows(found.module).vectors, ROWS, rtol=0, atol=tolerance * 4)


@NEW
@pytest.mark.parametrize("name", ["prompt.pt", "prompt.bin", "prompt.zip", "prompt"])
def test_a_file_of_torch_save_is_read_whatever_it_is_called(tmp_path: Path, name: str, new: bool) -> None:
    """F13: today's is a zip with a ZIP64 end, the old one a bare pickle."""
    (tmp_path / name).write_bytes(saved(tensor(), new))
    assert np.array_equal(with_rows(read(tmp_path / name)).vectors, ROWS)


@NEW
def test_an_old_peft_adapter_is_read(tmp_path: Path, new: bool) -> None:
    (tmp_path / peft.CONFIG).write_text(json.dumps({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 6}))
    (tmp_path / peft.PICKLE).write_bytes(saved({"prompt_embeddings": tensor()}, new))
    for path in (tmp_path, tmp_path / peft.PICKLE):
        assert np.array_equal(with_rows(read(path)).vectors, ROWS)


@NEW
def test_a_lora_is_named(tmp_path: Path, new: bool) -> None:
    with pytest.raises(BadModule, match="2 tables") as caught:
        found_in_bytes(saved({"a.lora_A.weight": tensor(), "a.lora_B.weight": tensor()}, new), "x.bin")
    assert "LoRA" in caught.value.hint


def mkultra(value: Any, protocol: int = 4, **metadata: Any) -> bytes:
    packed = base64.b64encode(pickle.dumps(value, protocol=protocol)).decode()
    return json.dumps(
        {"metadata": {"name": "Old One", "description": "d", "uuid": "u"} | metadata, "tensor": packed}
    ).encode()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("shape", [(6, 16), (1, 6, 16)])
def test_mkultras_own_files_are_read(protocol: int, shape: tuple[int, ...]) -> None:
    """Its samples: float32 and float16, two or three dimensions, with and without a gradient."""
    for value in (tensor().reshape(shape), torch.nn.Parameter(tensor().reshape(shape)), tensor().half().reshape(shape)):
        found = found_in_bytes(mkultra(value, protocol, epoch=1.6e9, step=300), "x.json")
        assert np.allclose(with_rows(found.module).vectors, ROWS, atol=2e-3)
        assert (found.format, found.module.card.name) == ("mkultra", "Old One")
        assert found.module.card.extra["step"] == 300


class Call:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize(
    "function", [print, eval, exec, open, getattr, __import__, pickle.loads, torch.load, np.frombuffer, bytearray]
)
@pytest.mark.parametrize(
    "wrap", [lambda call: call, lambda call: {"tensor": tensor(), "x": call}], ids=["alone", "beside"]
)
def test_no_name_but_those_of_tensors_is_ever_called(
    function: Any, wrap: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call = Call(function, "said")
    for data in (mkultra(wrap(call)), pickle.dumps(wrap(call))):
        with pytest.raises(BadModule, match="more than numbers"):
            found_in_bytes(data, "x.json")
    with pytest.raises(BadModule, match="more than numbers"):
        found_in_bytes(saved(wrap(call)), "x.pt")
    assert capsys.readouterr().out == ""


def test_a_whole_model_is_refused() -> None:
    with pytest.raises(BadModule, match=r"torch\.nn\.modules\.linear\.Linear"):
        found_in_bytes(saved(torch.nn.Linear(2, 2)), "x.pt")


@pytest.mark.parametrize("inner", [b"C\x01x", b"K\x01"], ids=["no file of torch", "no bytes"])
def test_a_pickle_in_a_pickle_that_is_none_is_one_sentence(inner: bytes) -> None:
    with pytest.raises(BadModule):
        arrays_in_pickle(b"\x80\x04ctorch.storage\n_load_from_bytes\n" + inner + b"\x85R.", "x")


def test_two_files_in_one_pickle_keep_their_numbers_apart() -> None:
    two = [tensor(), tensor() * 2]
    found = arrays_in_pickle(pickle.dumps(two), "x")
    assert [np.frombuffer(found[name].raw, "<f4").tolist() for name in "01"] == [each.ravel().tolist() for each in two]


def test_a_list_that_holds_itself_ends() -> None:
    loop: list[Any] = [tensor()]
    loop.append(loop)
    assert list(arrays_in_pickle(pickle.dumps(loop), "x")) == ["0"]


def rewritten(change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a file of torch.save with ``change(name, content)`` as the content of each of its members."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(tensor()))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return out.getvalue()


def test_a_storage_that_is_too_short_is_damage() -> None:
    data = rewritten(lambda name, content: content[:-4] if name.endswith("data/0") else content)
    with pytest.raises(BadModule, match="fewer numbers"):
        found_in_bytes(data, "x.pt")


@pytest.mark.parametrize("cut", [10, 100, 300, 600])
def test_a_legacy_file_that_is_cut_short_is_damage(cut: int) -> None:
    data = saved(tensor(), new=False)
    with pytest.raises(BadModule):
        found_in_bytes(data[:cut], "x.pt")
    with pytest.raises(BadModule, match=r"cut short|damaged"):
        found_in_bytes(data[:-cut], "x.pt")


def test_views_of_one_storage_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_FILE", 1 << 20)
    wide = torch.zeros(1, 1).expand(2000, 1000)
    with pytest.raises(BadModule, match="more numbers than any module"):
        found_in_bytes(saved({str(number): wide for number in range(100)}), "x.pt")


def test_a_file_of_a_big_endian_machine_is_put_right() -> None:
    def turned(name: str, content: bytes) -> bytes:
        if name.endswith("data/0"):
            return np.frombuffer(content, "<f4").astype(">f4").tobytes()
        return b"big" if name.endswith("byteorder") else content

    assert np.array_equal(with_rows(found_in_bytes(rewritten(turned), "x.pt").module).vectors, ROWS)

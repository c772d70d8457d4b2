"""mkultra's JSON: a pickle we write opcode by opcode."""

from __future__ import annotations

import base64
import json
import pickletools
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.formats import mkultra, read, write
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Module


def test_the_file_is_an_object_of_metadata_and_tensor(noir: Module) -> None:
    data = json.loads(mkultra.pack(noir))
    assert set(data) == {"metadata", "tensor"}
    assert set(data["metadata"]) == {"name", "uuid", "description", "epoch"}
    assert isinstance(data["metadata"]["epoch"], float)


def test_the_pickle_names_only_the_globals_that_mkultras_own_files_name(noir: Module) -> None:
    pickled = base64.b64decode(json.loads(mkultra.pack(noir))["tensor"])
    named = {argument for opcode, argument, _ in pickletools.genops(pickled) if opcode.name == "GLOBAL"}
    assert named == {"torch._utils _rebuild_tensor_v2", "torch.storage _load_from_bytes", "collections OrderedDict"}


def test_equal_modules_make_equal_files(noir: Module) -> None:
    assert mkultra.pack(noir) == mkultra.pack(Module(noir.vectors, noir.card))


def test_what_was_written_is_read_again(noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "noir.json", "mkultra")
    module = read(tmp_path / "noir.json")
    assert np.array_equal(with_rows(module).vectors, noir.vectors)
    assert module.card.description == noir.card.description


@pytest.mark.slow
def test_torch_unpickles_our_rows(noir: Module) -> None:
    import io
    import pickle

    torch = pytest.importorskip("torch")
    tensor = pickle.loads(base64.b64decode(json.loads(mkultra.pack(noir))["tensor"]))
    assert tensor.dtype == torch.float32
    assert tensor.shape == (5, 8)
    assert tensor.is_contiguous()
    assert np.array_equal(tensor.numpy(), noir.vectors)
    again = io.BytesIO()
    torch.save(tensor, again)
    assert torch.load(io.BytesIO(again.getvalue()), weights_only=True).equal(tensor)

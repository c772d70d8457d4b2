"""A model larger than the device: its layers wait in memory or on disk and come when they are needed.

Prompt tuning changes no weight, so a layer only ever travels one way. While one computes, the next is on its way (on
CUDA: from pinned memory, on a stream of its own), and at most two are on the device, one computing and one arriving.
Together with recomputing (recompute.py) a step holds two layers, the embedding, the head and one hidden state a layer:
an 8-billion-parameter model trains on a card of 6 to 8 GB. A step reads every layer twice, so it pays to put many
tokens into it (prompt-tuning facts 5.3: at 25 GB/s a 7B model costs about a second a step).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ...errors import OutOfDisk
from .checkpointing import Recomputed, Way


_ALIGNED = 64  # bytes at which a tensor begins inside its layer's one piece of memory


@dataclass(frozen=True, slots=True)
class _Piece:
    """Where a tensor lies in its layer's memory."""

    name: str
    at: int
    dtype: torch.dtype
    shape: torch.Size

    def view(self, flat: Tensor) -> Tensor:
        size = self.shape.numel() * self.dtype.itemsize
        return flat[self.at : self.at + size].view(self.dtype).view(self.shape)


class Streamed:
    """``model`` with its layers kept outside ``device``; it is used as before. :meth:`close` brings nothing back.

    Args:
        model: on the CPU, frozen.
        device: where to compute; everything but the layers moves there.
        where: ``memory``, or ``disk`` for layers in files (in ``folder``) that are mapped, not read, into memory.

    Raises:
        OutOfDisk: the disk has no room for the layers.
    """

    def __init__(
        self, model: Any, device: str, where: Literal["memory", "disk"] = "memory", folder: Path | None = None
    ) -> None:
        self.device = torch.device(device)
        self._folder: Path | None = None
        if where == "disk":
            self._folder = Path(tempfile.mkdtemp(prefix="kobold-modules-layers-", dir=folder))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)  # also when the program ends
        self._stream: Any = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None
        self._arriving: tuple[int, Tensor, Any] | None = None
        self._kept: list[tuple[Tensor, list[_Piece]]] = []
        self._recomputed = Recomputed(model, self._weights)
        staying = {id(tensor) for layer in self._recomputed.layers for tensor in _own(layer).values()}
        try:
            for layer in self._recomputed.layers:
                self._kept.append(self._keep(layer))
        except OSError as error:
            self.close()
            raise OutOfDisk(f"The layers cannot be kept on disk: {error.strerror}.", "Free some space.") from error
        for tensor in (*model.parameters(), *model.buffers()):
            if id(tensor) not in staying:
                tensor.data = tensor.data.to(self.device)

    @property
    def layers(self) -> int:
        return len(self._kept)

    def close(self) -> None:
        """Stop streaming and delete what lies on disk. The model cannot compute any more."""
        self._recomputed.undo()
        self._arriving = None
        self._kept = []
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _weights(self, layer: int, way: Way) -> dict[str, Tensor]:
        """Return the weights of ``layer`` on the device, and start copying the next layer in this direction."""
        if self._arriving is None or self._arriving[0] != layer:
            self._arriving = None  # what was fetched for the other direction goes first
            self._arriving = (layer, *self._fetch(layer))
        _, flat, ready = self._arriving
        self._arriving = None
        if ready is not None:
            stream = torch.cuda.current_stream(self.device)
            # The host runs ahead of the card: unless it waits for the layer before, a third one would be on its way.
            stream.synchronize()
            stream.wait_event(ready)
            flat.record_stream(stream)
        following = layer + 1 if way == "forward" else layer - 1
        if 0 <= following < len(self._kept):
            self._arriving = (following, *self._fetch(following))
        return {piece.name: piece.view(flat) for piece in self._kept[layer][1]}

    def _fetch(self, layer: int) -> tuple[Tensor, Any]:
        """Start bringing ``layer``; returns its memory on the device, and the event that it is there (CUDA)."""
        waiting = self._kept[layer][0]
        if self._stream is None:
            return waiting.to(self.device, copy=True), None
        with torch.cuda.stream(self._stream):
            return waiting.to(self.device, non_blocking=True), self._stream.record_event()

    def _keep(self, layer: torch.nn.Module) -> tuple[Tensor, list[_Piece]]:
        """Put a layer's tensors where they wait, in one piece, and make the layer's own tensors views of it."""
        pieces, size = [], 0
        for name, tensor in _own(layer).items():
            pieces.append(_Piece(name, size, tensor.dtype, tensor.shape))
            size += -(-tensor.nbytes // _ALIGNED) * _ALIGNED
        flat = torch.empty(size, dtype=torch.uint8, pin_memory=self._stream is not None and self._folder is None)
        for piece, tensor in zip(pieces, _own(layer).values(), strict=True):
            piece.view(flat).copy_(tensor.detach())
        if self._folder is not None:
            flat = _on_disk(flat, self._folder / str(len(self._kept)))
        for piece, tensor in zip(pieces, _own(layer).values(), strict=True):
            tensor.data = piece.view(flat)
        return flat, pieces


def _own(layer: torch.nn.Module) -> dict[str, Tensor]:
    return {**dict(layer.named_parameters()), **dict(layer.named_buffers())}


def _on_disk(flat: Tensor, path: Path) -> Tensor:
    """Return the same bytes mapped from a file at ``path``: the system reads them when used and may drop them again."""
    path.write_bytes(flat.numpy().data)
    mapped = torch.from_file(str(path), shared=False, size=flat.numel(), dtype=torch.uint8)
    if os.name == "posix":
        path.unlink()  # the mapping holds it, and a program that is killed leaves no gigabytes behind
    return mapped

"""The frozen model a training goes through, and the loss through it."""

from __future__ import annotations

from ..backends.torch.load import TorchModel, load_torch_model
from ..forward.prompt_loss import PromptLoss
from ..models.reference import ModelFile
from .settings import TrainingRequest


def load_frozen(file: ModelFile, request: TrainingRequest, device: str) -> tuple[TorchModel, PromptLoss]:
    """Load ``file`` as ``request`` wants it.

    Raises what :func:`load_torch_model` raises, and WrongModel where prefixes are to be trained and it takes none.
    """

    def load(precision: str) -> tuple[TorchModel, PromptLoss]:
        frozen = load_torch_model(
            file,
            device,
            weights=request.weights,
            recompute=request.recompute,
            precision=precision,  # type: ignore[arg-type]
            plain=request.method != "prefix" and not request.imitate,  # deep prefixes go through transformers' cache
        )
        loss = PromptLoss(frozen)
        return frozen, loss.deep() if request.method == "prefix" else loss

    frozen, loss = load(request.precision)
    half = frozen.table.dtype.itemsize < 4
    if half and frozen.device == "cpu" and loss.way != "fused" and request.precision == "auto":
        # Only the fused layers keep everything but products in float32; transformers' own would round all of it.
        del frozen, loss
        return load("float32")
    return frozen, loss

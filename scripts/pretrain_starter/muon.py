"""Muon: momentum whose update is made orthogonal, for the matrices inside the blocks (Jordan et al., 2024).

On our budget of CPU minutes it reaches a loss that AdamW needs about twice the tokens for; embeddings, the head and
norm gains stay with AdamW, as the method prescribes.
"""

from __future__ import annotations

import torch

from kobold_modules.training.optimiser.orthogonal import orthogonalise


class Muon(torch.optim.Optimizer):
    """SGD with Nesterov momentum and orthogonalised updates for 2-D parameters.

    Under torch.distributed, gradients are expected to be averaged already; the ranks share the work of
    orthogonalising and broadcast what they updated.
    """

    def __init__(self, params: list[torch.nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        rank, world = (torch.distributed.get_rank(), torch.distributed.get_world_size()) if distributed else (0, 1)
        for group in self.param_groups:
            for index, parameter in enumerate(group["params"]):
                if index % world != rank:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                buffer = state["momentum"]
                buffer.lerp_(parameter.grad, 1 - group["momentum"])
                update = orthogonalise(parameter.grad.lerp(buffer, group["momentum"]))
                scale = max(1.0, parameter.shape[0] / parameter.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["decay"]).add_(update, alpha=-group["lr"] * scale)
            if world > 1:
                for index, parameter in enumerate(group["params"]):
                    torch.distributed.broadcast(parameter.data, src=index % world)

from __future__ import annotations

import pytest
import torch

from kobold_modules.training.optimiser.orthogonal import orthogonalise


@pytest.mark.parametrize("shape", [(24, 24), (48, 16), (16, 48)])
def test_an_orthogonalised_update_has_singular_values_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)

    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))

    assert values.min() > 0.4
    assert values.max() < 1.4


def test_each_matrix_of_a_stack_is_made_orthogonal_by_itself() -> None:
    """What torch.optim.Muon does not do, and why this one is ours."""
    generator = torch.Generator().manual_seed(1)
    stack = torch.randn(3, 8, 20, generator=generator) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]

    found = orthogonalise(stack)

    assert found.dtype == torch.float32
    for one, alone in zip(found, stack, strict=True):
        torch.testing.assert_close(one, orthogonalise(alone))


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch 2.9 brought it")
def test_it_is_the_muon_of_torch_but_for_its_half_precision() -> None:
    generator = torch.Generator().manual_seed(2)
    gradient = torch.randn(8, 20, generator=generator)
    weights = torch.nn.Parameter(torch.zeros(8, 20))
    weights.grad = gradient.clone()

    torch.optim.Muon([weights], lr=1.0, weight_decay=0.0, momentum=0.8).step()

    torch.testing.assert_close(-weights.detach(), orthogonalise(gradient), rtol=0.1, atol=0.02)

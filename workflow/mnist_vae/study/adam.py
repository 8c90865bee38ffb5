"""Adam (Kingma & Ba 2015, algorithm 1) with the reference's constants, by PyTorch's functional form of it.

torch.optim.Adam takes the same steps, to the bit. But making one loads PyTorch's compiler, which costs each
job more than a second, and its bookkeeping costs a twentieth of each step.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS = 0.9, 0.999
EPSILON = 1e-8


class Adam:
    """Parameters by name, moved in place. Those that `rates` names have a learning rate of their own."""

    def __init__(
        self, parameters: Mapping[str, Tensor], rate: float, rates: Mapping[str, float] | None = None
    ) -> None:
        self.parameters = {name: tensor.detach() for name, tensor in parameters.items()}
        # Some matrices are stored column by column. The kernel is elementwise, and gets their transposes.
        self.transposed = {name for name, tensor in self.parameters.items() if not tensor.is_contiguous()}
        self.groups: dict[float, list[str]] = {}
        for name in parameters:
            self.groups.setdefault((rates or {}).get(name, rate), []).append(name)
        self.moments, self.squares = (
            {name: torch.zeros_like(tensor) for name, tensor in self.parameters.items()} for _ in range(2)
        )
        self.steps = {name: tensor.new_zeros(()) for name, tensor in self.parameters.items()}

    def step(self, gradient: Mapping[str, Tensor], rate_factor: float | Tensor = 1.0) -> None:
        """Take one step against the gradient, all rates times a factor."""
        for rate, names in self.groups.items():
            adam(
                [self._by_rows(name, self.parameters[name]) for name in names],
                [self._by_rows(name, gradient[name]).contiguous() for name in names],
                [self._by_rows(name, self.moments[name]) for name in names],
                [self._by_rows(name, self.squares[name]) for name in names],
                [],
                [self.steps[name] for name in names],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=rate * rate_factor,
                weight_decay=0.0,
                eps=EPSILON,
                maximize=False,
            )

    def _by_rows(self, name: str, matrix: Tensor) -> Tensor:
        return matrix.T if name in self.transposed else matrix

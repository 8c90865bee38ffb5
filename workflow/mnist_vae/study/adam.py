"""Adam (Kingma & Ba 2015, algorithm 1) with the reference's constants, by PyTorch's fused kernel for it.

torch.optim.Adam takes the same steps, to the bit. But to make one loads PyTorch's compiler, which takes a job
more than a second, and what it looks up before each step costs a twentieth of that step.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

BETAS = 0.9, 0.999
EPSILON = 1e-8


class Adam:
    """Parameters by name, moved in place. Those that `rates` names have a learning rate of their own."""

    def __init__(
        self, parameters: Mapping[str, Tensor], rate: float, rates: Mapping[str, float] | None = None
    ) -> None:
        # A matrix may lie column by column in memory; Adam, which works elementwise, is to see rows.
        self.transposed = {name for name, tensor in parameters.items() if not tensor.is_contiguous()}
        self.parameters = {name: self._by_rows(name, tensor.detach()) for name, tensor in parameters.items()}
        self.groups: dict[float, list[str]] = {}
        for name in parameters:
            self.groups.setdefault((rates or {}).get(name, rate), []).append(name)
        self.moments, self.squares = (
            {name: torch.zeros_like(tensor) for name, tensor in self.parameters.items()} for _ in range(2)
        )
        self.steps = torch.zeros((), device=next(iter(self.parameters.values())).device)

    def _by_rows(self, name: str, matrix: Tensor) -> Tensor:
        return matrix.T if name in self.transposed else matrix

    def step(self, gradient: Mapping[str, Tensor], rate_factor: float | Tensor = 1.0) -> None:
        """Take one step against the gradient, all rates times a factor."""
        self.steps += 1
        for rate, names in self.groups.items():
            torch._fused_adam_(
                [self.parameters[name] for name in names],
                [self._by_rows(name, gradient[name]).contiguous() for name in names],
                [self.moments[name] for name in names],
                [self.squares[name] for name in names],
                [],
                [self.steps] * len(names),
                lr=rate * rate_factor,
                beta1=BETAS[0],
                beta2=BETAS[1],
                eps=EPSILON,
                weight_decay=0.0,
                amsgrad=False,
                maximize=False,
            )

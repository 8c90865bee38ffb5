"""Log-joints at any points of the latent space, by the polynomials on its cells (docs/exactness.md), in nats.

Expectations under an image's q need its log-joint at many points. On the cells around these points it is
either known or found by decoding a few nodes, and a decoded cell serves all images.
"""

import torch
from torch import Tensor

from mnist_vae.exact.answers import Part
from mnist_vae.exact.cells import Grid, decode, distinct, keys_of, unknown
from mnist_vae.exact.tuning import TUNING


class Interpolation:
    """The log-joints of images as functions of z: an `answers.LogJoints`.

    A cell is halved if the error of its polynomial may exceed half of the grid's tolerance. Points beyond the
    window are decoded one by one. error (images,) is the largest estimated error of the cells that were used
    for each image.
    """

    def __init__(self, grid: Grid, x: Tensor, part: Part = Part.WHOLE) -> None:
        """The log-joints of images x (images, pixels), or of a part of them."""
        self.grid, self.x, self.part = grid, x, part
        self.features = features = grid.log_joint.features(x, part)
        self.error = features.new_zeros(len(features), dtype=torch.float64)
        nothing = torch.empty(0, dtype=torch.long)
        values = features.new_empty(0, len(grid.rule.nodes))
        self._known = [(nothing, values, values.sum(-1).double())] * (TUNING.decoded_halvings + 1)

    def __call__(self, images: Tensor, z: Tensor) -> Tensor:
        """Indices of images (images,) and z (points, images, d) -> (points, images)."""
        image, points = images.expand(z.shape[:-1]).flatten(), z.flatten(0, -2).double()
        found = z.new_empty(len(points))
        is_outside = points.abs().amax(-1) > self.grid.window
        left = (~is_outside).nonzero()[:, 0]
        outside = is_outside.nonzero()[:, 0]
        for some in outside.split(TUNING.polynomials_a_block) if len(outside) else ():
            x, its_z = self.x[image[some]], points[some].to(z)
            found[some] = self.grid.log_joint.at(x, its_z, self.part).to(z)
        for halved in range(TUNING.decoded_halvings + 1):
            if not len(left):
                break
            at = points[left] / self.grid.side_at(halved)
            place = torch.floor(at)
            values, error, rows = self._cells(halved, image[left], place.long())
            good = (error <= self.grid.tolerance / 2)[rows] | torch.tensor(halved == TUNING.decoded_halvings)
            self.error.scatter_reduce_(0, image[left[good]], error[rows[good]], "amax")
            found[left[good]] = self._interpolated(values, rows[good], (2 * (at - place) - 1)[good].to(z))
            left = left[~good]
        return found.view(z.shape[:-1])

    def _cells(self, halved: int, image: Tensor, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The values (cells, nodes) and errors (cells,) of all known cells, and the index (points,) of the
        cell in which each of the given places (points, d) lies.
        """
        wanted, which = distinct(torch.cat([image[:, None], place], dim=1))
        known, values, error = self._known[halved]
        missing = wanted[~torch.isin(keys_of(wanted), known)]
        if len(missing):
            side = self.grid.side_at(halved)
            cells = unknown(missing[:, 0], (missing[:, 1:].double() + 0.5) * side, halved)
            cells = decode(self.grid, cells, self.features, self.part)
            there = torch.floor(cells.middle / side).long()
            keys = keys_of(torch.cat([cells.image[:, None], there], dim=1))
            known, order = torch.sort(torch.cat([known, keys]))
            values = torch.cat([values, cells.values])[order]
            error = torch.cat([error, cells.rough])[order]
            self._known[halved] = known, values, error
        return values, error, torch.searchsorted(known, keys_of(wanted))[which]

    def _interpolated(self, values: Tensor, rows: Tensor, at: Tensor) -> Tensor:
        """The polynomials through rows of values (cells, nodes) at points (points, d) of [-1, 1]^d."""
        to_coefficients = self.grid.rule.to_coefficients
        found = []
        for some, there in zip(
            rows.split(TUNING.polynomials_a_block), at.split(TUNING.polynomials_a_block), strict=True
        ):
            weights = _legendre(there, len(to_coefficients)) @ to_coefficients
            table = values[some].unflatten(-1, [len(to_coefficients)] * at.shape[-1])
            for along in reversed(weights.unbind(-2)):
                table = torch.einsum("p...n,pn->p...", table, along)
            found.append(table)
        return torch.cat(found)


def _legendre(at: Tensor, n: int) -> Tensor:
    """The first n Legendre polynomials, by Bonnet's recursion: (..., n)."""
    found = [torch.ones_like(at), at]
    for k in range(1, n - 1):
        found.append(((2 * k + 1) * at * found[-1] - k * found[-2]) / (k + 1))
    return torch.stack(found, dim=-1)

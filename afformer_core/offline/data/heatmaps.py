# SPDX-License-Identifier: Apache-2.0
"""Target heatmaps from annotated points, and their Gaussian blur."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

RELEASED_OFFSET = 1e-10


def blur_kernel_size(height: int, width: int) -> int:
    """Return the odd side of the Gaussian blur kernel: sqrt(height * width) / 3, 85 at 256x256.

    This follows the paper's implementation details and the released code; in its description of
    OPRA, the paper has "a kernel size of 3", which would barely blur a map of 256x256.
    """
    size = int(math.sqrt(height * width) / 3)
    return size + 1 if size % 2 == 0 else size


def blur_sigma(kernel_size: int) -> float:
    """Return the standard deviation in pixels that belongs to a kernel: 13.1 for 85."""
    return 0.3 * ((kernel_size - 1) * 0.5 - 1) + 0.8


def pad_points(points: Sequence[np.ndarray]) -> Tensor:
    """Stack N sets of points of different sizes.

    Args:
        points: N arrays [P_i, 2] of (x, y).

    Returns:
        float64 [N, max(P_i), 2]; NaN where a set has fewer points than the largest.
    """
    most = max((len(of_row) for of_row in points), default=0)
    padded = torch.full((len(points), most, 2), torch.nan, dtype=torch.float64)
    for row, of_row in zip(padded, points, strict=True):
        row[: len(of_row)] = torch.as_tensor(np.asarray(of_row, np.float64).reshape(-1, 2))
    return padded


def target_heatmaps(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Blur sets of points to probability maps, like the published evaluation.

    Coordinates are truncated to a pixel, each such pixel is set to one regardless of the number of
    points in it, and the map plus an offset is blurred (reflecting border) and divided by its sum.
    Points outside the image and NaN points are ignored; a set without any point gives the uniform
    map. Because every point is a separable impulse, the blur is one product of two small matrices
    for each map instead of a convolution of the whole image.

    Args:
        points: [N, P, 2] (x, y) in pixels of the heatmap; NaN marks padding.
        size: (height, width) of the heatmap.

    Returns:
        float32 [N, height, width] on the device of `points`, each map of sum 1.

    Raises:
        ValueError: `points` has another shape, or `size` is too elongated for its blur kernel.
    """
    if points.ndim != 3 or points.shape[-1] != 2:
        raise ValueError(f'the shape of points is {list(points.shape)}; expected [N, P, 2]')
    height, width = size
    # NaN compares false, so padding is also outside. Truncation moves -1 < x < 0 to 0: inside.
    x, y = points.unbind(-1)
    inside = (x > -1) & (x < width) & (y > -1) & (y < height)
    column = torch.where(inside, x, 0).long()
    row = torch.where(inside, y, 0).long()
    weight = (inside & ~_repeated(row * width + column, inside)).float()

    row_blur, column_blur = _blurs(size, points.device)
    vertical = row_blur[row] * weight[..., None]
    # In fp32, even within a training step in mixed precision.
    with torch.autocast(points.device.type, enabled=False):
        heatmaps = vertical.transpose(1, 2) @ column_blur[column] + RELEASED_OFFSET
    return heatmaps / heatmaps.sum((1, 2), keepdim=True)


def blurred_maps(maps: Tensor) -> Tensor:
    """Blur any maps to probability maps, as `target_heatmaps` blurs points.

    Args:
        maps: float32 [N, height, width], none negative; an empty one gives the uniform map.

    Returns:
        float32 of the same shape, each map of sum 1.

    Raises:
        ValueError: the maps are too elongated for their blur kernel.
    """
    row_blur, column_blur = _blurs(maps.shape[1:], maps.device)
    with torch.autocast(maps.device.type, enabled=False):
        heatmaps = row_blur.T @ maps @ column_blur + RELEASED_OFFSET
    return heatmaps / heatmaps.sum((1, 2), keepdim=True)


def coverage(corners: Tensor, size: tuple[int, int]) -> Tensor:
    """Compute the share of each pixel inside convex quadrilaterals, up to rounding at corners.

    Even a very small quadrilateral has a share of some pixel if it reaches into the map.

    Args:
        corners: float32 [..., 4, 2] (x, y) in pixels, where a map of width W reaches from 0 to W;
            clockwise in the image. NaN gives a map of zeros.
        size: (height, width) of the maps.

    Returns:
        float32 [..., height, width], 0 to 1.
    """
    x = torch.arange(size[1], device=corners.device, dtype=corners.dtype) + 0.5
    y = torch.arange(size[0], device=corners.device, dtype=corners.dtype)[:, None] + 0.5
    covered = corners.new_ones((*corners.shape[:-2], *size))
    for number in range(4):
        first, second = corners[..., number, :], corners[..., (number + 1) % 4, :]
        along = second - first
        # Extent of a pixel across the edge, which is longest along the diagonal.
        inwards = along / along.abs().sum(dim=-1, keepdim=True)
        ahead, down = (inwards[..., axis, None, None] for axis in (0, 1))
        left, top = (first[..., axis, None, None] for axis in (0, 1))
        covered *= (0.5 + ahead * (y - top) - down * (x - left)).clamp(0, 1)
    return covered.nan_to_num(0.0)


def summed_heatmaps(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Blur one set of points, where points that share a pixel add up.

    Args:
        points: [P, 2] (x, y) in pixels of the heatmap, truncated to a pixel; those outside are
            ignored.
        size: (height, width) of the heatmap.

    Returns:
        float32 [height, width], not normalised.
    """
    inside = ((points > -1) & (points < size[::-1])).all(axis=1)
    columns, rows = points[inside].astype(int).T
    row_blur, column_blur = (blur.numpy() for blur in _blurs(size, torch.device('cpu')))
    return np.asarray(row_blur[rows].T @ column_blur[columns])


def downsampled(heatmaps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize probabilities to a lower resolution.

    Args:
        heatmaps: [N, H, W] probabilities, none negative.
        size: (height, width), at most (H, W).

    Returns:
        float32 [N, height, width], each of sum 1.

    Raises:
        ValueError: the size is larger than the heatmaps.
    """
    _require_smaller(heatmaps, size)
    small = functional.interpolate(heatmaps.float()[:, None], size, mode='bilinear')[:, 0]
    return small / small.sum((1, 2), keepdim=True)


def downsampled_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Compute the logits, up to a constant, of the downsampled heatmaps of `logits`.

    Very small probabilities do not become zero in between, because the logarithm of zero has no
    gradient.

    Args:
        logits: [N, H, W] before the softmax over the pixels.
        size: (height, width), at most (H, W).

    Returns:
        float32 [N, height, width].

    Raises:
        ValueError: the size is larger than the heatmaps.
    """
    _require_smaller(logits, size)
    return _interpolated(_interpolated(logits.float(), 1, size[0]), 2, size[1])


def _interpolated(logits: Tensor, axis: int, length: int) -> Tensor:
    """Interpolate the exponentials of logits linearly along an axis, in logarithms."""
    side = logits.shape[axis]
    centres = (torch.arange(length, device=logits.device) + 0.5) * (side / length) - 0.5
    lower = centres.clamp(min=0).floor()
    share = (centres - lower).clamp(min=0)
    shape = [1, 1, 1]
    shape[axis] = length
    first = logits.index_select(axis, lower.long()) + (1 - share).log().view(shape)
    following = (lower.long() + 1).clamp(max=side - 1)
    second = logits.index_select(axis, following) + share.log().view(shape)
    return torch.logaddexp(first, second)


def _require_smaller(heatmaps: Tensor, size: tuple[int, int]) -> None:
    height, width = heatmaps.shape[1:]
    if size[0] > height or size[1] > width:
        raise ValueError(
            f'heatmap_size is {size[0]}x{size[1]}; expected at most {height}x{width}, the size of '
            'the heatmaps'
        )


def _repeated(pixel: Tensor, inside: Tensor) -> Tensor:
    """Compute a mask [N, P], true where an earlier inside point of the set has the same pixel."""
    same = (pixel[:, :, None] == pixel[:, None, :]) & inside[:, None, :]
    return same.tril(diagonal=-1).any(-1)


def _blurs(size: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the impulse responses of the rows and of the columns of (height, width)."""
    height, width = size
    kernel_size = blur_kernel_size(height, width)
    rows = _impulse_responses(height, kernel_size, device)
    return rows, _impulse_responses(width, kernel_size, device)


@functools.lru_cache(maxsize=8)
def _impulse_responses(length: int, kernel_size: int, device: torch.device) -> Tensor:
    """Compute [length, length]: row i is the blurred unit impulse at i, with border reflected."""
    radius = kernel_size // 2
    if radius >= length:
        raise ValueError(
            f'a side has {length} pixels; expected more than {radius} for a blur kernel of '
            f'{kernel_size}. Use a less elongated heatmap'
        )
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / blur_sigma(kernel_size)) ** 2)
    kernel /= kernel.sum()
    target = np.arange(length)
    responses = np.zeros((length, length))
    for offset, weight in zip(offsets, kernel, strict=True):
        source = np.abs(target + offset)
        source = np.where(source >= length, 2 * (length - 1) - source, source)
        np.add.at(responses, (source, target), weight)
    return torch.from_numpy(responses.astype(np.float32)).to(device)

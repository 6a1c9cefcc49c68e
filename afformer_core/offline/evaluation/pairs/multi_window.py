# SPDX-License-Identifier: Apache-2.0
"""The mean of a model's results over windows of a demonstration.

The released code evaluates, and training validates, in this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.grounding import Prediction, decoder_similarity

# The same number as from `ArrayGrounder.ground`.
_PEAKS = 5


def mean_heatmaps(logits: Tensor) -> NDArray[np.float32]:
    """Compute mean probabilities [heatmaps, H, W] of the logits [W, heatmaps, H, W] of windows."""
    flat = logits.float().flatten(2).softmax(dim=2).mean(dim=0)
    heatmaps: NDArray[np.float32] = flat.view(logits.shape[1:]).cpu().numpy()
    return heatmaps


def mean_actions(logits: Tensor, configuration: AfformerConfiguration) -> Tensor:
    """Compute mean scores [A] of the logits [W, A] of windows."""
    if configuration.action_activation == 'sigmoid':
        return logits.float().sigmoid().mean(dim=0)
    return torch.softmax(logits.float(), dim=1).mean(dim=0)


def ground_windows(
    grounder: ArrayGrounder, image: NDArray[np.uint8], windows: Sequence[str]
) -> Grounding:
    """Ground each window of a demonstration in an image, and average the results.

    For a model with a heatmap for each action, the heatmaps of the action with the best mean score
    are averaged, even if another action is best in a single window. The similarities are those of
    the window to which the image is most similar, and the decoder's weight is averaged.

    Args:
        grounder: the model.
        image: uint8 RGB [H, W, 3], any size.
        windows: names of finished demonstrations, at least one; for a single one, the result is
            exactly that of `ArrayGrounder.ground`.

    Raises:
        DemonstrationError: there is no demonstration with one of the names.
        ImageError: this is not an image.
    """
    if len(windows) == 1:
        return grounder.ground(image, windows[0])
    shown = [grounder.demonstration(name) for name in windows]
    # `predict` would choose the action of the heatmap separately in each window.
    outputs = [grounder.output(image, name) for name in windows]
    heatmaps = mean_heatmaps(
        torch.from_numpy(np.stack([output.heatmap_logits for output in outputs]))
    )
    logits = torch.from_numpy(np.stack([output.action_logits for output in outputs]))
    scores = mean_actions(logits, grounder.configuration).numpy()
    order = np.argsort(-scores, kind='stable')
    probabilities = heatmaps[order[0] if grounder.configuration.heatmap_per_action else 0]
    size = (int(image.shape[0]), int(image.shape[1]))
    alike = [
        decoder_similarity(output, [window], probabilities)
        for window, output in zip(shown, outputs, strict=True)
    ]
    similarities = [
        own if output.similarity is None else output.similarity
        for own, output in zip(alike, outputs, strict=True)
    ]
    names = grounder.configuration.action_names
    prediction = Prediction(
        image,
        probabilities,
        {names[index]: float(scores[index]) for index in order},
        max(similarities),
        shown[0].features.describe(outputs[0].image.features, probabilities),
        0.0,
        replace(grounder.calibrations, certainty=None),
        decoder_weight=float(np.mean([output.decoder_weight for output in outputs])),
        decoder_similarity=max(alike),
    )
    return prediction.grounding(size, _PEAKS)


def action_heatmaps(
    grounder: ArrayGrounder, image: NDArray[np.uint8], windows: Sequence[Sequence[str]]
) -> NDArray[np.float32]:
    """Compute the mean heatmap of every action.

    Args:
        grounder: grounder of a model with a heatmap for each action.
        image: uint8 RGB [H, W, 3], any size.
        windows: for each window, of which there is at least one, the names of the finished
            demonstrations that are grounded together.

    Returns:
        probabilities [A, h, w] at the model's size.
    """
    logits = [grounder.output(image, *names).heatmap_logits for names in windows]
    return mean_heatmaps(torch.from_numpy(np.stack(logits)))

# SPDX-License-Identifier: Apache-2.0
"""Mean of a model's results for a demonstration that it is shown in windows, one by one.

This is how the released code evaluates, and how training validates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.peaks import find_peaks
from afformer_core.runtime.presence import PresenceFeatures

# As many as `ArrayGrounder.ground` gives.
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
    """Ground the windows of a demonstration in an image, each alone, and take their mean.

    Of a model with a heatmap for each action it is the mean of the heatmaps of the one action
    whose mean score is best, whatever is best in a single window. The similarities are those of
    the window to which the image is most similar, and the decoder's weight is the mean.

    Args:
        grounder: the model.
        image: uint8 RGB [H, W, 3], any size.
        windows: names of finished demonstrations, at least one; of one alone the grounding is
            exactly that of `ArrayGrounder.ground`.

    Raises:
        DemonstrationError: there is none of a name.
        ImageError: not an image.
    """
    if len(windows) == 1:
        return grounder.ground(image, windows[0])
    shown = [grounder.demonstration(name) for name in windows]
    # `predict` would choose the heatmap of an action in each window for itself.
    outputs = [grounder.output(image, name) for name in windows]
    heatmaps = mean_heatmaps(torch.from_numpy(np.stack([one.heatmap_logits for one in outputs])))
    logits = torch.from_numpy(np.stack([one.action_logits for one in outputs]))
    scores = mean_actions(logits, grounder.configuration).numpy()
    order = np.argsort(-scores, kind='stable')
    probabilities = heatmaps[order[0] if grounder.configuration.heatmap_per_action else 0]
    size = (int(image.shape[0]), int(image.shape[1]))
    peaks = find_peaks(probabilities, size, _PEAKS)
    features = outputs[0].image_features
    confidence = peaks[0].score
    similarities = max(each.features.similarities(features, probabilities) for each in shown)
    decoder_weight = float(np.mean([one.decoder_weight for one in outputs]))
    measured = PresenceFeatures(confidence, *similarities, decoder_weight)
    calibration = grounder.calibration
    return Grounding(
        probabilities,
        size,
        {grounder.configuration.action_names[index]: float(scores[index]) for index in order},
        peaks,
        confidence,
        similarities.features,
        None if calibration is None else calibration.presence(measured),
        contact_similarity=similarities.contact,
        decoder_weight=decoder_weight,
    )


def action_heatmaps(
    grounder: ArrayGrounder, image: NDArray[np.uint8], windows: Sequence[Sequence[str]]
) -> NDArray[np.float32]:
    """Compute the mean heatmap of every action, whichever is best.

    Args:
        grounder: grounder of a model with a heatmap for each action.
        image: uint8 RGB [H, W, 3], any size.
        windows: of each, at least one, the names of the finished demonstrations that are grounded
            together in it.

    Returns:
        probabilities [A, h, w] at the model's size.
    """
    logits = [grounder.output(image, *names).heatmap_logits for names in windows]
    return mean_heatmaps(torch.from_numpy(np.stack(logits)))

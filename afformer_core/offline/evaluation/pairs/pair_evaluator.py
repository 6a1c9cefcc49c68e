# SPDX-License-Identifier: Apache-2.0
"""The run of a model on pairs of a demonstration and an image, as on a robot."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.media.images import read_image
from afformer_core.media.polygons import Point
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import FrameSampling, UniformSampling
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics.metrics import kld
from afformer_core.offline.evaluation.metrics.peak_measures import PeakScores, measure_peaks
from afformer_core.offline.evaluation.metrics.scoring import RowScores, measure, with_peaks
from afformer_core.offline.evaluation.pairs.multi_window import action_heatmaps, ground_windows
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.evaluation.pairs.pairs import Pair
from afformer_core.offline.evaluation.protocols.protocols import (
    EvaluationProtocol,
    Heatmaps,
    ProtocolRow,
)
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.peaks import find_peaks
from afformer_core.runtime.presence import PresenceFeatures

_NEGATIVE = 'of another scene'
# Maximum number of kept windows of an image's demonstrations, or those of a single longer one; 32
# frames of a ResNet-50 model take 120 MB.
_KEPT = 8
_PEAKS = 5


class ModelRun:
    """A run that grounds pairs, and memorizes each clip once for neighbouring pairs that share it.

    Args:
        grounder: the model.
        protocol: definition and comparison of rows.
        seed: seed of the jitter in AUC-J.
        sampling: sampling of the frames of a clip; results of several windows are averaged. None:
            the maximum number of frames, evenly spaced.
        folder_rate: see `ClipReader`.
        together: number of demonstrations of the same element that are grounded together, only for
            the pair itself; with several windows of each, all windows are.
        annotated_actions: names of the dataset's actions, to measure the heatmap and peak of the
            annotated action, like the released code; None: those of the best action of the model,
            as on a robot. They are the same if the model has a single heatmap.
        keeps_heatmaps: whether results contain the heatmaps of their rows, for pooled rows.

    Attributes:
        grounder: the model.
        sampling: see the arguments, never None.

    Raises:
        ValueError: a window has more frames than the model supports, the rate is invalid, or the
            actions of the model differ.
    """

    def __init__(
        self,
        grounder: ArrayGrounder,
        protocol: EvaluationProtocol,
        seed: int = 0,
        sampling: FrameSampling | None = None,
        folder_rate: float | None = None,
        annotated_actions: Sequence[str] | None = None,
        together: int = 1,
        keeps_heatmaps: bool = False,
    ) -> None:
        if together < 1:
            raise ValueError(
                f'{together} demonstrations are grounded together; expected at least 1'
            )
        configuration = grounder.configuration
        self._by_annotation = annotated_actions is not None and configuration.heatmap_per_action
        if self._by_annotation and tuple(annotated_actions or ()) != configuration.action_names:
            raise ValueError(
                f'the model has heatmaps of the actions {list(configuration.action_names)}, the '
                f'annotations name {list(annotated_actions or ())}; the heatmap of the annotated '
                'action needs the same actions'
            )
        self.sampling = sampling or UniformSampling(configuration.maximum_frames)
        # More frames would be thinned out silently.
        if self.sampling.longest > configuration.maximum_frames:
            raise ValueError(
                f'the sampling {str(self.sampling)!r} shows the model {self.sampling.longest} '
                f'frames at once; expected at most {configuration.maximum_frames}'
            )
        self._together = together
        self._keeps_heatmaps = keeps_heatmaps
        self._reader = ClipReader(self.sampling, configuration.input_size, folder_rate=folder_rate)
        self.grounder = grounder
        self._protocol = protocol
        self._seed = seed
        self._group: str | None = None
        self._recent: dict[str, tuple[str, ...]] = {}

    def evaluate(self, pairs: Sequence[Pair], first: int = 0) -> list[PairResult]:
        """Ground every pair, and also with other demonstrations.

        Args:
            pairs: pairs, with those that share demonstrations next to each other.
            first: index of the first pair among all pairs, which determines the jitter.
        """
        return [self._evaluate_pair(pair, number) for number, pair in enumerate(pairs, first)]

    def ground(self, pair: Pair) -> Grounding:
        """Ground one pair, as on a robot."""
        return self._ground_windows(read_image(pair.sample.image_path), self._windows(pair))

    def measured(self, pair: Pair) -> Heatmaps:
        """Return the heatmaps [N, h, w] of a pair's N rows, at the protocol's size."""
        image, windows = read_image(pair.sample.image_path), self._windows(pair)
        grounding, rows = self._ground_windows(image, windows), self._protocol.rows([pair.sample])
        return self._heatmaps(self._of_rows(image, grounding, windows, rows))

    def _evaluate_pair(self, pair: Pair, number: int) -> PairResult:
        sample = pair.sample
        image = read_image(sample.image_path)
        rows = self._protocol.rows([sample])
        targets = self._protocol.targets(rows)
        windows = self._windows(pair)
        start = time.perf_counter()
        grounding = self._ground_windows(image, windows)
        milliseconds = 1e3 * (time.perf_counter() - start)
        measured = self._of_rows(image, grounding, windows, rows)
        predicted = self._heatmaps(measured)
        peak = _peak(grounding, sample.image_size)
        hard_negative_kld, hard_negative_peak = None, None
        if pair.hard_negative is not None:
            windows = self._windows_of(pair.hard_negative)
            hard_negative = self._ground_windows(image, windows)
            others = self._heatmaps(self._of_rows(image, hard_negative, windows, rows))
            hard_negative_kld = kld(others, targets, self._protocol.epsilon)
            hard_negative_peak = _peak(hard_negative, sample.image_size)
        return PairResult(
            pair,
            rows,
            self._measure(
                measured, predicted, rows, targets, np.random.default_rng((self._seed, number))
            ),
            peak,
            _is_right(measure_peaks(rows, targets, [np.array([peak])] * len(rows)), sample),
            grounding.action_scores,
            milliseconds,
            hard_negative_kld,
            hard_negative_peak,
            grounding.presence_features,
            None
            if pair.negative is None
            else self._negative_presence_features(image, pair.negative),
            predicted if self._keeps_heatmaps else None,
        )

    def _of_rows(
        self,
        image: NDArray[np.uint8],
        grounding: Grounding,
        windows: Sequence[Sequence[str]],
        rows: Sequence[ProtocolRow],
    ) -> list[Grounding]:
        """Return the grounding of each row, with its best peak."""
        if not self._by_annotation:
            return [grounding] * len(rows)
        heatmaps = action_heatmaps(self.grounder, image, windows)
        return [
            replace(
                grounding,
                probabilities=heatmaps[row.action],
                peaks=find_peaks(heatmaps[row.action], grounding.source_size, 1),
            )
            for row in rows
        ]

    def _heatmaps(self, groundings: Sequence[Grounding]) -> Heatmaps:
        as_drawn = self._protocol.at_model_size
        drawn = [
            grounding.probabilities if as_drawn else grounding.heatmap for grounding in groundings
        ]
        return np.stack([self._protocol.prediction(heatmap) for heatmap in drawn])

    def _measure(
        self,
        measured: Sequence[Grounding],
        predicted: Heatmaps,
        rows: Sequence[ProtocolRow],
        targets: Heatmaps,
        jitter: np.random.Generator,
    ) -> RowScores:
        heatmaps = measure(predicted, targets, jitter, self._protocol.epsilon)
        positions = [
            np.array([_peak(values, row.image_size)])
            for values, row in zip(measured, rows, strict=True)
        ]
        return with_peaks(heatmaps, measure_peaks(rows, targets, positions))

    def _negative_presence_features(
        self, image: NDArray[np.uint8], sample: Sample
    ) -> PresenceFeatures:
        self._recent[_NEGATIVE] = self._set_demonstration(_NEGATIVE, self._reader.read(sample))
        try:
            return ground_windows(self.grounder, image, self._recent[_NEGATIVE]).presence_features
        finally:
            self._forget(_NEGATIVE)

    def _ground_windows(
        self, image: NDArray[np.uint8], windows: Sequence[Sequence[str]]
    ) -> Grounding:
        together, *_ = windows
        if len(together) == 1:
            return ground_windows(self.grounder, image, [name for (name,) in windows])
        size = (int(image.shape[0]), int(image.shape[1]))
        return self.grounder.predict(image, *together).grounding(size, _PEAKS)

    def _windows(self, pair: Pair) -> list[tuple[str, ...]]:
        """Return the names of the demonstrations in each window of a pair.

        Raises:
            DatasetError: the data has fewer demonstrations of its element than requested.
        """
        if self._together == 1:
            return self._windows_of(pair.sample)
        shown = [pair.sample, *pair.companions][: self._together]
        if len(shown) < self._together:
            raise DatasetError(
                f'{pair.sample.sample_id} has {len(shown)} demonstrations of its element in the '
                f'same image; {self._together} together need data with so many performances'
            )
        return [tuple(name for sample in shown for name in self._memorize(sample))]

    def _windows_of(self, sample: Sample) -> list[tuple[str, ...]]:
        return [(name,) for name in self._memorize(sample)]

    def _memorize(self, sample: Sample) -> tuple[str, ...]:
        """Return the names of the windows; memorize them if necessary."""
        if sample.group != self._group:
            for known in tuple(self._recent):
                self._forget(known)
            self._group = sample.group
        name = sample.demonstration
        names = self._recent.pop(name, None)
        if names is None:
            windows = self._reader.read(sample)
            self._make_room(len(windows))
            names = self._set_demonstration(name, windows)
        self._recent[name] = names
        return names

    def _set_demonstration(
        self, name: str, windows: Sequence[NDArray[np.uint8]]
    ) -> tuple[str, ...]:
        names = tuple(f'{name}, window {number}' for number in range(len(windows)))
        for name, frames in zip(names, windows, strict=True):
            self.grounder.set_demonstration(frames, name)
        return names

    def _make_room(self, windows: int) -> None:
        """Delete the least recently used demonstrations."""
        while self._recent and sum(map(len, self._recent.values())) + windows > _KEPT:
            self._forget(next(iter(self._recent)))

    def _forget(self, name: str) -> None:
        for window in self._recent.pop(name):
            self.grounder.delete_demonstration(window)


def _peak(grounding: Grounding, image_size: tuple[int, int]) -> Point:
    """Find the best peak in pixels of an annotation whose image may have been resized."""
    height, width = grounding.heatmap.shape
    best = grounding.peaks[0]
    return (
        (best.u + 0.5) * image_size[0] / width - 0.5,
        (best.v + 0.5) * image_size[1] / height - 0.5,
    )


def _is_right(peaks: PeakScores, sample: Sample) -> bool:
    """Check whether a peak is inside the demonstrated element, or in an annotated region."""
    right = peaks.hit if sample.scene is None else peaks.inside
    return bool((right == 1).any())

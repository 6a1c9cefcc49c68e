# SPDX-License-Identifier: Apache-2.0
"""The run of a model on pairs of a demonstration and an image, as on a robot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.errors import DatasetError
from afformer_core.media.images import read_image
from afformer_core.media.polygons import Point
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import FrameSampling, UniformSampling
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics import RowScores, kld, measure_peaks, score_rows
from afformer_core.offline.evaluation.pairs.multi_window import action_heatmaps, ground_windows
from afformer_core.offline.evaluation.pairs.pairs import Pair
from afformer_core.offline.evaluation.protocols import Heatmaps, ProtocolRow, RowsProtocol
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.calibrations import PresenceFeatures
from afformer_core.runtime.peaks import find_peaks

_NEGATIVE = 'of another scene'
# Maximum number of kept windows of an image's demonstrations, or those of a single longer one; 32
# frames of a ResNet-50 model take 120 MB.
_KEPT = 8
_PEAKS = 5


@dataclass(frozen=True)
class PairResult:
    """The result of a model for one pair.

    Attributes:
        pair: the pair.
        rows: its rows in the protocol.
        scores: measures of those rows.
        peak: best peak for a robot, from the best action of the model; (x, y) in pixels of the
            annotation.
        is_right: whether that peak is inside the demonstrated element or, if the elements are not
            known, in an annotated region.
        action_scores: action scores by name.
        milliseconds: milliseconds of grounding, without reading the image.
        hard_negative_kld: KLD of the rows with the negative demonstration, or None without one.
        hard_negative_peak: best peak with the negative demonstration, like `peak`, or None.
        presence_features: features for the presence of the demonstrated element.
        negative_presence_features: features for the presence with a demonstration of another scene
            (or image), or None without one.
        heatmaps: [N, h, w] of its rows, as the protocol compares them; None if they are not
            kept.
    """

    pair: Pair
    rows: tuple[ProtocolRow, ...]
    scores: RowScores
    peak: Point
    is_right: bool
    action_scores: Mapping[str, float]
    milliseconds: float
    hard_negative_kld: NDArray[np.float64] | None
    hard_negative_peak: Point | None
    presence_features: PresenceFeatures
    negative_presence_features: PresenceFeatures | None
    heatmaps: Heatmaps | None = None


@dataclass(frozen=True)
class RunSettings:
    """Settings with which each process opens the same run.

    Attributes:
        open_grounder: function that opens the model; other processes must be able to import it.
        protocol: definition and comparison of rows.
        seed: seed of the jitter in AUC-J.
        sampling: sampling of the frames of a clip; results of several windows are averaged. None:
            the maximum number of frames, evenly spaced.
        folder_rate: see `ClipReader`.
        annotated_actions: names of the dataset's actions, to measure the heatmap and peak of the
            annotated action, like the released code; None: those of the best action of the model,
            as on a robot. They are the same if the model has a single heatmap.
        together: number of demonstrations of the same element that are grounded together, only for
            the pair itself; with several windows of each, all windows are.
        keeps_heatmaps: whether results contain the heatmaps of their rows, for pooled rows.
    """

    open_grounder: Callable[[], ArrayGrounder]
    protocol: RowsProtocol
    seed: int = 0
    sampling: FrameSampling | None = None
    folder_rate: float | None = None
    annotated_actions: tuple[str, ...] | None = None
    together: int = 1
    keeps_heatmaps: bool = False


class ModelRun:
    """A run that grounds pairs, and memorizes each clip once for neighbouring pairs that share it.

    Args:
        settings: settings of the run; they open the model.

    Attributes:
        grounder: the model.
        sampling: sampling of the frames of a clip.

    Raises:
        ModelFolderError: there is no valid model.
        ValueError: a window has more frames than the model supports, the rate is invalid, or the
            actions of the model differ.
    """

    def __init__(self, settings: RunSettings) -> None:
        if settings.together < 1:
            raise ValueError(
                f'{settings.together} demonstrations are grounded together; expected at least 1'
            )
        self.grounder = settings.open_grounder()
        configuration = self.grounder.configuration
        annotated = settings.annotated_actions
        self._by_annotation = annotated is not None and configuration.heatmap_per_action
        if self._by_annotation and annotated != configuration.action_names:
            raise ValueError(
                f'the model has heatmaps of the actions {list(configuration.action_names)}, the '
                f'annotations name {list(annotated or ())}; the heatmap of the annotated '
                'action needs the same actions'
            )
        self.sampling = settings.sampling or UniformSampling(configuration.maximum_frames)
        # More frames would be thinned out silently.
        if self.sampling.longest > configuration.maximum_frames:
            raise ValueError(
                f'the sampling {str(self.sampling)!r} shows the model {self.sampling.longest} '
                f'frames at once; expected at most {configuration.maximum_frames}'
            )
        self._settings = settings
        self._protocol = settings.protocol
        self._reader = ClipReader(
            self.sampling, configuration.input_size, folder_rate=settings.folder_rate
        )
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
            score_rows(
                self._protocol,
                rows,
                predicted,
                targets,
                np.random.default_rng((self._settings.seed, number)),
                [np.array([_peak(of_row, sample.image_size)]) for of_row in measured],
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
            predicted if self._settings.keeps_heatmaps else None,
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
        count = self._settings.together
        if count == 1:
            return self._windows_of(pair.sample)
        shown = [pair.sample, *pair.companions][:count]
        if len(shown) < count:
            raise DatasetError(
                f'{pair.sample.sample_id} has {len(shown)} demonstrations of its element in the '
                f'same image; {count} together need data with so many performances'
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
            # The least recently used demonstrations make room.
            while self._recent and sum(map(len, self._recent.values())) + len(windows) > _KEPT:
                self._forget(next(iter(self._recent)))
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


def _is_right(peaks: RowScores, sample: Sample) -> bool:
    """Check whether a peak is inside the demonstrated element, or in an annotated region."""
    right = peaks['hit_rate'] if sample.scene is None else peaks['peak_inside']
    return bool((right == 1).any())


@lru_cache(maxsize=1)
def open_run(settings: RunSettings) -> ModelRun:
    """Open the run of settings, once in a process."""
    return ModelRun(settings)


def evaluate_pairs(
    settings: RunSettings, pairs: Sequence[Pair], engine: ParallelEngine = ONE_PROCESS
) -> list[PairResult]:
    """Run `ModelRun.evaluate` in an engine; results do not depend on the number of processes.

    Args:
        settings: settings of the run.
        pairs: pairs, with those that share demonstrations next to each other.
        engine: engine that grounds the pairs; each of its machines must have the model and the
            dataset. One process grounds all pairs of a demonstration.

    Raises:
        Exception: a pair cannot be grounded; the first error ends the evaluation, because the
            results of the other pairs alone would describe a different dataset.
    """
    results: dict[int, PairResult] = {}
    grouped = groupby(enumerate(pairs), lambda numbered: numbered[1].sample.group)
    groups = [tuple(numbered) for _, numbered in grouped]
    with tqdm(total=len(pairs), desc='grounding', unit='pair') as bar:
        for result in engine.map(partial(_open_evaluator, settings), groups):
            for (number, _), pair_result in zip(result.part, result.get(), strict=True):
                results[number] = pair_result
                bar.update()
    return [results[number] for number in range(len(pairs))]


_NumberedPairs = tuple[tuple[int, Pair], ...]
"""Neighbouring pairs with their numbers, which may share demonstrations."""


def _open_evaluator(settings: RunSettings) -> Callable[[_NumberedPairs], list[PairResult]]:
    run = open_run(settings)
    return lambda numbered: run.evaluate([pair for _, pair in numbered], numbered[0][0])

# SPDX-License-Identifier: Apache-2.0
"""Counts and distributions of an annotated dataset."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.clip_facts import ClipFacts
from afformer_core.data.heatmaps import summed_heatmaps
from afformer_core.dataset_page.page import Bars, Figure
from afformer_core.drawing.overlay import draw_overlay

_SIZES = 8
# Ends of the bars of histograms: seconds, and frames.
_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_FRAMES = (2, 4, 8, 16, 32, 64, 128)
_MAP = (128, 128)
_MAP_SIDE = 256


def headline(dataset: AnnotatedDataset) -> dict[str, int]:
    """Return the most important counts by name."""
    counts = {
        'samples': len(dataset),
        'demonstrations': len({sample.demonstration for sample in dataset}),
        'images': len({sample.image_path for sample in dataset}),
        'points': sum(len(points) for sample in dataset for points in sample.points),
    }
    if objects := known_objects(dataset):
        counts['objects'] = len(objects)
    return counts


def known_objects(dataset: AnnotatedDataset) -> set[str]:
    """Collect the names of the objects or simulated scenes that samples show, where known."""
    names = {
        sample.scene.scene_id
        if sample.object_id is None and sample.scene is not None
        else sample.object_id
        for sample in dataset
    }
    return {name for name in names if name is not None}


def other_facts(dataset: AnnotatedDataset) -> dict[str, str]:
    """Return further facts of a dataset by name."""
    points = [len(of_action) for sample in dataset for of_action in sample.points]
    by_clip = Counter(sample.demonstration for sample in dataset)
    by_image = Counter(str(sample.image_path) for sample in dataset)
    return {
        'media below': str(dataset.root),
        'points for an action': _spread(points),
        'images for a demonstration': _spread(by_clip.values()),
        'demonstrations for an image': _spread(by_image.values()),
    }


def distributions(dataset: AnnotatedDataset, clips: Sequence[ClipFacts]) -> list[Bars]:
    """Count actions and image sizes of all samples, and sizes and lengths of some clips.

    Args:
        dataset: dataset of at least one sample.
        clips: opened clips; may be empty.
    """
    used = Counter(action for sample in dataset for action in sample.actions)
    actions = {name: used[index] for index, name in enumerate(dataset.action_names)}
    images = {sample.image_path: sample.image_size for sample in dataset}
    bars = [
        Bars(f'Actions of {len(dataset):,} samples', actions),
        Bars(f'Sizes of {len(images):,} images, as annotated', size_counts(images.values())),
    ]
    if clips:
        sizes = size_counts(clip.size for clip in clips)
        bars.append(Bars(f'Sizes of {len(clips):,} opened clips', sizes))
    seconds = [clip.seconds for clip in clips if clip.seconds is not None]
    if seconds:
        lasting = histogram(seconds, _SECONDS, ' s')
        bars.append(Bars(f'Lengths of {len(seconds):,} opened clips in seconds', lasting))
    frames = [clip.frames for clip in clips if clip.frames is not None]
    if frames:
        counted = histogram(frames, _FRAMES, ' frames')
        bars.append(Bars(f'Lengths of {len(frames):,} opened clips in frames', counted))
    return bars


def map_of_points(dataset: AnnotatedDataset) -> Figure:
    """Draw the distribution of the points of all samples, which a baseline could predict."""
    height, width = _MAP
    points = [
        points * np.divide((width, height), sample.image_size)
        for sample in dataset
        for points in sample.points
    ]
    heatmap = summed_heatmaps(np.concatenate(points), _MAP)
    side = (_MAP_SIDE, _MAP_SIDE)
    enlarged = np.asarray(cv2.resize(heatmap, side, interpolation=cv2.INTER_LINEAR), np.float32)
    black = np.zeros((*side, 3), np.uint8)
    return Figure(
        'positions of the points of all images', draw_overlay(black, enlarged, (), '', 1.0)
    )


def size_counts(sizes: Iterable[tuple[int, int]]) -> dict[str, int]:
    """Count each (width, height); the most frequent ones by name, then all others."""
    ranked = Counter(sizes).most_common()
    counts = {f'{width}x{height}': count for (width, height), count in ranked[:_SIZES]}
    if rest := ranked[_SIZES:]:
        counts[f'{len(rest)} others'] = sum(count for _, count in rest)
    return counts


def histogram(values: Sequence[float], ends: Sequence[float], unit: str) -> dict[str, int]:
    """Count the values in each bar of a histogram, without empty bars at its ends.

    Args:
        values: values, at least one, not negative.
        ends: increasing ends of the bars; values at or above the last one are counted in a
            separate bar.
        unit: unit after the numbers.
    """
    counts = Counter(bisect_right(ends, value) for value in values)
    edges = [0, *ends]
    names = [f'{low:g} to <{high:g}{unit}' for low, high in zip(edges, ends, strict=False)]
    names.append(f'{ends[-1]:g}{unit} or more')
    shown = range(min(counts), max(counts) + 1)
    return {names[bar]: counts[bar] for bar in shown}


def _spread(values: Iterable[int]) -> str:
    ordered = np.array(sorted(values))
    low, high = ordered[0], ordered[-1]
    return f'{low}' if low == high else f'{low} to {high}, median {np.median(ordered):g}'

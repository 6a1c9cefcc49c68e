# SPDX-License-Identifier: Apache-2.0
"""Pages of the reference of the Python API, for mkdocstrings to fill in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModuleGroup:
    """The modules that serve one purpose of a user, on one page.

    Attributes:
        page: name of the page.
        title: heading of the page.
        purpose: description of the group, in a sentence.
        modules: modules, and packages with all modules below them, in the order of the page.
    """

    page: str
    title: str
    purpose: str
    modules: tuple[str, ...]


def _below(package: str, *modules: str) -> tuple[str, ...]:
    return tuple(f'{package}.{module}' for module in modules)


# Each page follows from the one before: a model, its inputs, its results, then its own data.
GROUPS = (
    ModuleGroup(
        'grounder', 'Grounder',
        'Grounding of a demonstration in an image, in a few lines.',
        _below('afformer_core', 'grounder', 'runtime.grounding', 'errors'),
    ),
    ModuleGroup(
        'runtime', 'Models and sessions',
        'Model folders, the sessions that run a model, and the steps of a grounding.',
        (
            *_below(
                'afformer_core.runtime', 'model_folder', 'shipped_model', 'backends', 'session',
                'array_grounder', 'demonstration', 'coarse_to_fine', 'peaks', 'calibrations',
                'self_test', 'export.export',
            ),
            *_below('afformer_core.models', 'configuration', 'presets', 'afformer'),
        ),
    ),
    ModuleGroup(
        'demonstrations', 'Demonstrations',
        'Videos, bags and images as frames, and the recording, storage and selection of '
        'demonstrations.',
        (
            *_below('afformer_core.demonstrations', 'media'),
            *_below('afformer_core.media', 'video', 'frame_folder', 'bag', 'images'),
            *_below(
                'afformer_core.demonstrations', 'library', 'recording', 'state', 'store',
                'demonstration_file', 'contact_reading.demonstration_reader',
            ),
            *_below('afformer_core.hands', 'hand', 'open_detector'),
        ),
    ),
    ModuleGroup(
        'outputs', 'Outputs',
        'Grounding of a stream of camera images, points in space, and ROS messages of results.',
        _below(
            'afformer_core', 'stream', 'outputs', 'geometry.camera', 'geometry.transform',
            'geometry.surface', 'geometry.grasp', 'geometry.motion', 'messages',
            'drawing.overlay',
        ),
    ),
    ModuleGroup(
        'data', 'Data',
        'Datasets: their samples, readers, conversion and verification.',
        _below(
            'afformer_core.offline.data', 'annotations', 'annotated_dataset', 'sample',
            'readers', 'clip_reader', 'frame_sampling', 'heatmaps',
            'polygon_mask', 'augmentation', 'manifest', 'verification',
        ),
    ),
    ModuleGroup(
        'training', 'Training',
        'Training of models, and pre-training on mined clips of hands.',
        (
            *_below(
                'afformer_core.offline.training', 'command', 'module', 'architecture',
                'initial_weights', 'losses', 'model_training', 'validation', 'callbacks',
                'datasets',
            ),
            *_below('afformer_core.offline.maskahand', 'mining', 'pretraining'),
        ),
    ),
    ModuleGroup(
        'evaluation', 'Evaluation',
        'Measures of models on annotated pairs, baselines, and the replay of recordings.',
        (
            *_below(
                'afformer_core.offline.evaluation', 'metrics', 'protocols', 'pairs', 'parts',
                'baselines', 'report',
            ),
            *_below('afformer_core', 'replay'),
        ),
    ),
    ModuleGroup(
        'simulator', 'Simulator',
        'Scenes, simulated datasets, the closed loop, and the arm: package `afformer_sim`.',
        _below(
            'afformer_sim', 'scene', 'families', 'bodies', 'cameras', 'datasets', 'closed_loop',
            'arm',
        ),
    ),
)  # fmt: skip


def python_pages(root: Path) -> dict[str, str]:
    """Build a page for each group of modules, and the page that lists them, by path."""
    rows = [f'| [{group.title}]({group.page}.md) | {group.purpose} |' for group in GROUPS]
    table = '\n'.join(['| page | |', '| --- | --- |', *rows])
    pages = {
        'reference/python/index.md': '# Python, by module\n\nMost programs need only '
        f'[the exports of `afformer_core`](../python.md). No module here needs ROS.\n\n{table}\n'
    }
    for group in GROUPS:
        pages[f'reference/python/{group.page}.md'] = _page(root, group)
    return pages


def _page(root: Path, group: ModuleGroup) -> str:
    modules = '\n'.join(
        f'::: {module}\n' for name in group.modules for module in public_modules(root, name)
    )
    return f'# {group.title}\n\n{group.purpose}\n\n{modules}'


def public_modules(root: Path, name: str) -> Iterator[str]:
    """Yield the names of the modules that define a public class or function.

    Args:
        name: a module, or a package with the modules below it.

    Raises:
        FileNotFoundError: neither exists.
    """
    path = root.joinpath(*name.split('.'))
    if path.with_suffix('.py').is_file():
        yield name
        return
    if not path.is_dir():
        raise FileNotFoundError(
            f'the reference lists {name}, which does not exist. Correct GROUPS'
        )
    for module_path in sorted(path.rglob('*.py')):
        if not module_path.stem.startswith('_') and _has_public_names(module_path):
            yield '.'.join(module_path.relative_to(root).with_suffix('').parts)


def _has_public_names(path: Path) -> bool:
    definitions = (ast.ClassDef, ast.FunctionDef)
    return any(
        isinstance(node, definitions) and not node.name.startswith('_')
        for node in ast.parse(path.read_text()).body
    )

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


# Each page follows from the one before: a model, its inputs, its results, then its own data.
GROUPS = (
    ModuleGroup(
        'grounder',
        'Grounder',
        'Grounding of a demonstration in an image, in a few lines.',
        ('afformer_core.grounder', 'afformer_core.runtime.grounding', 'afformer_core.errors'),
    ),
    ModuleGroup(
        'runtime',
        'Models and sessions',
        'Model folders, the sessions that run a model, and the steps of a grounding.',
        (
            'afformer_core.runtime.model_folder',
            'afformer_core.runtime.shipped_model',
            'afformer_core.runtime.backends',
            'afformer_core.runtime.session',
            'afformer_core.runtime.array_grounder',
            'afformer_core.runtime.demonstration',
            'afformer_core.runtime.coarse_to_fine',
            'afformer_core.runtime.peaks',
            'afformer_core.runtime.calibrations',
            'afformer_core.runtime.self_test',
            'afformer_core.runtime.export.export',
            'afformer_core.models.configuration',
            'afformer_core.models.presets',
            'afformer_core.models.afformer',
        ),
    ),
    ModuleGroup(
        'demonstrations',
        'Demonstrations',
        'Videos, bags and images as frames, and the recording, storage and selection of '
        'demonstrations.',
        (
            'afformer_core.demonstrations.media',
            'afformer_core.media.video',
            'afformer_core.media.frame_folder',
            'afformer_core.media.bag',
            'afformer_core.media.images',
            'afformer_core.demonstrations.library',
            'afformer_core.demonstrations.recording',
            'afformer_core.demonstrations.state',
            'afformer_core.demonstrations.store',
            'afformer_core.demonstrations.demonstration_file',
            'afformer_core.demonstrations.contact_reading.demonstration_reader',
            'afformer_core.hands.hand',
            'afformer_core.hands.hand',
            'afformer_core.hands.open_detector',
        ),
    ),
    ModuleGroup(
        'outputs',
        'Outputs',
        'Grounding of a stream of camera images, points in space, and ROS messages of results.',
        (
            'afformer_core.stream',
            'afformer_core.outputs',
            'afformer_core.geometry.camera',
            'afformer_core.geometry.transform',
            'afformer_core.geometry.surface',
            'afformer_core.geometry.grasp',
            'afformer_core.geometry.motion',
            'afformer_core.messages',
            'afformer_core.drawing.overlay',
        ),
    ),
    ModuleGroup(
        'data',
        'Data',
        'Datasets: their samples, readers, conversion and verification.',
        (
            'afformer_core.offline.data.annotations',
            'afformer_core.offline.data.annotated_dataset',
            'afformer_core.offline.data.sample',
            'afformer_core.offline.data.readers',
            'afformer_core.offline.data.clip_reader',
            'afformer_core.offline.data.frame_sampling',
            'afformer_core.offline.data.clip_reader',
            'afformer_core.offline.data.heatmaps',
            'afformer_core.offline.data.polygon_mask',
            'afformer_core.offline.data.augmentation',
            'afformer_core.offline.data.manifest',
            'afformer_core.offline.data.verification',
        ),
    ),
    ModuleGroup(
        'training',
        'Training',
        'Training of models, and pre-training on mined clips of hands.',
        (
            'afformer_core.offline.training.command',
            'afformer_core.offline.training.module',
            'afformer_core.offline.training.architecture',
            'afformer_core.offline.training.initial_weights',
            'afformer_core.offline.training.losses',
            'afformer_core.offline.training.model_training',
            'afformer_core.offline.training.validation',
            'afformer_core.offline.training.callbacks',
            'afformer_core.offline.training.datasets',
            'afformer_core.offline.training.module',
            'afformer_core.offline.maskahand.mining',
            'afformer_core.offline.maskahand.pretraining',
        ),
    ),
    ModuleGroup(
        'evaluation',
        'Evaluation',
        'Measures of models on annotated pairs, baselines, and the replay of recordings.',
        (
            'afformer_core.offline.evaluation.metrics',
            'afformer_core.offline.evaluation.protocols',
            'afformer_core.offline.evaluation.pairs',
            'afformer_core.offline.evaluation.parts',
            'afformer_core.offline.evaluation.baselines',
            'afformer_core.offline.evaluation.report',
            'afformer_core.replay',
        ),
    ),
    ModuleGroup(
        'simulator',
        'Simulator',
        'Scenes, simulated datasets, the closed loop, and the arm: package `afformer_sim`.',
        (
            'afformer_sim.scene',
            'afformer_sim.families',
            'afformer_sim.bodies',
            'afformer_sim.cameras',
            'afformer_sim.datasets',
            'afformer_sim.closed_loop',
            'afformer_sim.arm',
        ),
    ),
)


def python_pages(root: Path) -> dict[str, str]:
    """Build a page for each group of modules, and the page that lists them, by path.

    Args:
        root: folder of the repository.
    """
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
        root: folder of the repository.
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

# SPDX-License-Identifier: Apache-2.0
"""Graphs that were broken on purpose do not pass the self-test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from afformer_core.runtime.golden.differences import TOLERANCES, Differences
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.self_test import GoldenOutputs, SelfTestError, self_test
from afformer_core.runtime.sessions.onnx_session import OnnxSession

Array = np.ndarray
Edit = Callable[[Array], Array]


def off_by_3_percent(weight: Array) -> Array:
    return weight * (1 + 0.03 * np.random.default_rng(3).standard_normal(weight.shape))


BREAKS: dict[str, tuple[str, str, Edit]] = {
    'a weight of attention': ('decode', 'self_attn.proj.weight', off_by_3_percent),
    'a weight of the first convolution': ('encode_image', 'conv_stem.weight', off_by_3_percent),
    # Random weights say nothing about actions, so that a small error changes nothing.
    'a weight of the actions': ('decode', 'actioner.score.weight', partial(np.multiply, 1.3)),
    'transposed axes': ('decode', 'cross_attn.proj.weight', np.transpose),
    'a mean that is not taken away': ('encode_image', 'encoder.mean', np.zeros_like),
    'a mean of frames that is not taken away': ('encode_frames', 'encoder.mean', np.zeros_like),
}


def break_graph(path: Path, ending: str, edit: Edit) -> None:
    """Replace a weight by another constant, in place of the operators that compute it."""
    graph = (model := onnx.load(path)).graph
    (name,) = {name for node in graph.node for name in node.input if name.endswith(ending)}
    values = {weight.name: weight for weight in graph.initializer}
    if name in values:
        weight = numpy_helper.to_array(values[name])
        graph.initializer.remove(values[name])
    else:
        (last,) = (number for number, node in enumerate(graph.node) if name in node.output)
        output = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        computation = helper.make_graph(
            graph.node[: last + 1], 'weight', [], [output], graph.initializer
        )
        opset = helper.make_opsetid('', 18)
        (weight,) = ReferenceEvaluator(helper.make_model(computation, opset_imports=[opset])).run(
            None, {}
        )
        del graph.node[last]
    changed = np.ascontiguousarray(edit(weight), np.float32)
    graph.initializer.append(numpy_helper.from_array(changed, name))
    onnx.save(model, path)


def differences_of(folder: Path, allowed: Differences) -> Differences:
    session = OnnxSession(replace(read_graphs(folder), folder=folder / 'broken'))
    description = read_description(folder)
    networks = Networks(description.configuration, session)
    return self_test(networks, GoldenOutputs.read(folder), allowed, description)


@pytest.fixture
def folder(copied_folder: Path) -> Path:
    """A model folder with a copy of its graphs in `broken`."""
    broken = copied_folder / 'broken'
    broken.mkdir()
    for file in (*copied_folder.glob('*.onnx'), copied_folder / 'model.safetensors'):
        shutil.copy(file, broken)
    return copied_folder


@pytest.mark.parametrize('name', BREAKS)
def test_a_graph_that_computes_something_else(folder: Path, name: str) -> None:
    graph, ending, edit = BREAKS[name]
    break_graph(folder / 'broken' / f'{graph}.onnx', ending, edit)

    with pytest.raises(SelfTestError, match='onnxruntime does not reproduce the golden outputs'):
        differences_of(folder, TOLERANCES['fp32'])


def test_the_graphs_before_they_are_broken(folder: Path) -> None:
    assert differences_of(folder, TOLERANCES['fp32']).heatmap < 1e-5

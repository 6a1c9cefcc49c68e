# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.benchmarks.inference_variants import DEFAULT_METHODS, Method


def test_a_method_is_named_as_it_is_written():
    method = Method.parse('onnxruntime:int8')

    assert (method.backend, method.precision) == ('onnxruntime', 'int8')
    assert method.text == 'onnxruntime:int8'
    assert method.label == 'afformer, ONNX Runtime, CPU int8'


@pytest.mark.parametrize('text', ['onnxruntime', 'onnxruntime:', 'auto:fp32', 'torch:auto', ''])
def test_what_names_none(text):
    with pytest.raises(ValueError, match=r'method is .*; expected one of recompute, '):
        Method.parse(text)


def test_recomputing_is_not_quantized():
    with pytest.raises(ValueError, match='is int8; expected fp32 or fp16'):
        Method.parse('recompute:int8')


def test_each_device_has_its_reference_before_what_is_compared_with_it():
    for on_gpu in (False, True):
        first = next(method for method in DEFAULT_METHODS if method.on_gpu == on_gpu)
        assert first.recomputes


@pytest.mark.parametrize(
    ('text', 'recomputes', 'on_gpu', 'needs_graphs'),
    [
        ('recompute:fp32', True, False, False),
        ('recompute-cuda:fp16', True, True, False),
        ('torch:fp32', False, False, False),
        ('onnxruntime:fp16', False, False, True),
        ('cuda:fp16', False, True, False),
        ('tensorrt:int8', False, True, True),
    ],
)
def test_what_a_method_needs(text, recomputes, on_gpu, needs_graphs):
    method = Method.parse(text)

    assert method.recomputes == recomputes
    assert method.on_gpu == on_gpu
    assert method.needs_graphs == needs_graphs

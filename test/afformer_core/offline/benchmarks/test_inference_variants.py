# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.offline.benchmarks import inference_variants
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant, default_variants


@pytest.mark.parametrize(
    'text', ['onnxruntime', 'onnxruntime:', 'auto:fp32', 'torch:auto', '', 'recompute:bf16']
)
def test_what_names_none(text):
    expected = r'variant is .*; expected one of recompute, |is bf16; expected fp32 or fp16'
    with pytest.raises(ValueError, match=expected):
        InferenceVariant.parse(text)


def test_each_device_has_its_reference_before_what_is_compared_with_it():
    for on_gpu in (False, True):
        first = next(variant for variant in default_variants() if variant.on_gpu == on_gpu)
        assert first.recomputes


@pytest.mark.parametrize(
    ('text', 'recomputes', 'on_gpu', 'needs_graphs'),
    [
        ('recompute:fp32', True, False, False),
        ('recompute-cuda:fp16', True, True, False),
        ('torch:fp32', False, False, False),
        ('onnxruntime:fp16', False, False, True),
        ('torch-cuda:fp16', False, True, False),
        ('tensorrt:fp16', False, True, True),
        ('openvino:bf16', False, False, True),
        ('onnxruntime-cuda:fp16', False, True, True),
    ],
)
def test_what_a_method_needs(text, recomputes, on_gpu, needs_graphs):
    variant = InferenceVariant.parse(text)

    assert variant.text == text
    assert variant.recomputes == recomputes
    assert variant.on_gpu == on_gpu
    assert variant.needs_graphs == needs_graphs


def test_what_is_installed_is_compared(monkeypatch):
    monkeypatch.setattr(inference_variants, 'is_installed', lambda name: name == 'openvino')

    texts = [variant.text for variant in default_variants()]

    assert texts[2:5] == ['onnxruntime:fp32', 'openvino:fp32', 'openvino:bf16']
    assert 'onnxruntime-cuda:fp32' not in texts


def test_openvino_computes_in_bf16_from_graphs_in_fp32():
    variant = InferenceVariant.parse('openvino:bf16')

    assert variant.precision_of_graphs == 'fp32'
    assert variant.label == 'afformer, OpenVINO, CPU bf16'
    assert InferenceVariant.parse('tensorrt:bf16').precision_of_graphs == 'bf16'

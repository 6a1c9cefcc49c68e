# SPDX-License-Identifier: Apache-2.0
"""The authors' hand detector, from their file to a folder and back."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    fasterrcnn_resnet50_fpn_v2,
)

from afformer_core.cli.main import main
from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.files.atomic import file_sha256
from afformer_core.hands.detector_folder import (
    initial_detector,
    load_hand_detector,
    save_hand_detector,
)
from afformer_core.hands.faster_rcnn import (
    LIGHT_ARCHITECTURE,
    OFFICIAL_ARCHITECTURE,
    import_hand_detector,
)
from afformer_core.models.pretrained.checkpoint_file import CheckpointError


@pytest.fixture(scope='module')
def detector() -> nn.Module:
    torch.manual_seed(0)
    theirs = fasterrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=3)
    # So that it finds something.
    bias = theirs.roi_heads.box_predictor.cls_score.bias
    bias.data += torch.tensor([0.0, 1.0, 2.0])
    # As in training on several GPUs, with the same names.
    return nn.SyncBatchNorm.convert_sync_batchnorm(theirs)


@pytest.fixture(scope='module')
def state(detector: nn.Module) -> dict[str, Tensor]:
    return detector.state_dict()


@pytest.fixture(scope='module')
def checkpoint(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What torchvision's training of detectors writes after each epoch."""
    path = tmp_path_factory.mktemp('hands') / 'hircnn.pth'
    arguments = argparse.Namespace(model='fasterrcnn_resnet50_fpn_v2', epochs=12)
    torch.save({'model': state, 'args': arguments, 'epoch': 11}, path)
    return path


@pytest.fixture(scope='module')
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp('detector')
    assert main(['import-checkpoint', str(checkpoint), str(made)]) == 0
    yield made
    shutil.rmtree(made)


@torch.no_grad()
def test_the_folder_detects_what_the_checkpoint_does(
    folder: Path, checkpoint: Path, state: dict[str, Tensor]
) -> None:
    theirs = fasterrcnn_resnet50_fpn_v2(
        weights=None, weights_backbone=None, num_classes=3, min_size=64, max_size=64,
        box_score_thresh=0.1, box_detections_per_img=4,
    ).eval()  # fmt: skip
    theirs.load_state_dict(state)
    ours = load_hand_detector(folder, minimum_score=0.1, maximum_hands=4)
    ours.transform.min_size, ours.transform.max_size = (64,), 64
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))

    (found,), (expected,) = ours([image]), theirs([image])

    assert 0 < len(expected['boxes']) <= 4
    for name in ('boxes', 'labels', 'scores'):
        torch.testing.assert_close(found[name], expected[name])
    fields = json.loads((folder / 'detector.json').read_text())
    assert fields['training']['imported'] == 'hircnn.pth'
    assert fields['training']['sha256'] == file_sha256(checkpoint)
    assert fields['training']['epoch'] == 11
    assert fields['classes'] == ['background', 'no contact', 'contact']


def test_it_scores_no_actions(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(checkpoint), str(tmp_path / 'made'), '--actions', 'take,put']
    assert main(['import-checkpoint', *arguments]) == 1
    assert 'is a hand detector, which scores no actions' in capsys.readouterr().err
    assert not (tmp_path / 'made').exists()


def test_what_does_not_match_is_listed(state: dict[str, Tensor]) -> None:
    many_classes = {'roi_heads.box_predictor.cls_score.bias': torch.zeros(91)}
    told = r'does not fit the hand detector.*cls_score.bias is \(91,\), expected \(3,\)'
    with pytest.raises(CheckpointError, match=told):
        import_hand_detector({**state, **many_classes})


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / 'copy'
    made.mkdir()
    yield made
    shutil.rmtree(made)


def linked(folder: Path, copy: Path) -> dict[str, object]:
    """A folder of the same weights, and what its description says."""
    (copy / 'detector.safetensors').hardlink_to(folder / 'detector.safetensors')
    fields: dict[str, object] = json.loads((folder / 'detector.json').read_text())
    return fields


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        ('format', 'afformer-model', "format in .* is 'afformer-model'; expected"),
        ('version', 1, 'version in .* is 1; expected 2'),
        ('classes', ['background', 'hand'], 'classes in .* is '),
        ('architecture', 'ssd', "architecture is 'ssd'; expected"),
        ('interaction_score', None, 'does not describe a hand detector: float'),
        ('interaction_score', 1.5, r'interaction_score is 1\.5; expected 0 to 1'),
        ('weights_sha256', '0' * 64, 'is missing or not the one that detector.json names'),
    ],
)
def test_another_description(
    folder: Path, copy: Path, field: str, value: object, message: str
) -> None:
    fields = linked(folder, copy) | {field: value}
    (copy / 'detector.json').write_text(json.dumps(fields))

    with pytest.raises(ModelFolderError, match=message):
        load_hand_detector(copy)


@pytest.mark.slow
def test_other_weights(folder: Path, copy: Path) -> None:
    with pytest.raises(ModelFolderError, match='does not exist'):
        load_hand_detector(copy)
    tensors = load_file(folder / 'detector.safetensors')
    del tensors['backbone.body.conv1.weight']
    save_file(tensors, copy / 'detector.safetensors')
    fields = json.loads((folder / 'detector.json').read_text())
    fields['weights_sha256'] = file_sha256(copy / 'detector.safetensors')
    (copy / 'detector.json').write_text(json.dumps(fields))

    with pytest.raises(ModelFolderError, match=r'missing: backbone.body.conv1.weight'):
        load_hand_detector(copy)


@pytest.mark.slow
def test_many_classes_become_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torchvision's weights come from a detector with frozen norms, which count no batches."""
    theirs = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    state = {
        name: torch.full_like(tensor, 0.5)
        for name, tensor in theirs.state_dict().items()
        if not name.endswith('num_batches_tracked')
    }
    monkeypatch.setattr(
        FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
        'get_state_dict',
        lambda self, **options: state,
    )
    found = initial_detector(LIGHT_ARCHITECTURE, 'coco').state_dict()

    assert found['backbone.body.0.0.weight'].unique().tolist() == [0.5]
    assert found['roi_heads.box_head.fc6.weight'].unique().tolist() == [0.5]
    assert found['roi_heads.box_predictor.cls_score.weight'].shape == (3, 1024)
    assert found['roi_heads.box_predictor.cls_score.weight'].unique().numel() > 1


def test_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, **options: object) -> None:
        raise OSError('no route to host')

    monkeypatch.setattr(FasterRCNN_MobileNet_V3_Large_320_FPN_Weights, 'get_state_dict', fail)
    with pytest.raises(AfformerError, match=r'cannot be downloaded: no route to host\. Put http'):
        initial_detector(LIGHT_ARCHITECTURE, 'coco')


def test_another_detector_goes_on(tmp_path: Path) -> None:
    torch.manual_seed(1)
    before = initial_detector(LIGHT_ARCHITECTURE, 'random')
    save_hand_detector(tmp_path, before, LIGHT_ARCHITECTURE, {})
    after = initial_detector(LIGHT_ARCHITECTURE, str(tmp_path))

    name = 'backbone.body.0.0.weight'
    assert torch.equal(after.state_dict()[name], before.state_dict()[name])
    assert all(parameter.requires_grad for parameter in after.parameters())
    with pytest.raises(
        ModelFolderError,
        match=f'contains a {LIGHT_ARCHITECTURE}; expected {OFFICIAL_ARCHITECTURE}',
    ):
        initial_detector(OFFICIAL_ARCHITECTURE, str(tmp_path))

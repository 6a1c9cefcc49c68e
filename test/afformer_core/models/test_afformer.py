# SPDX-License-Identifier: Apache-2.0
"""The whole network: batches, padding, shapes and its two backbones."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import fasterrcnn_resnet50_fpn_v2

from afformer_core.models import AfformerConfiguration, afformer_r50, afformer_small

from ..conftest import random_model

ACTIONS = ('press', 'hold', 'push')
SMALL = afformer_small(ACTIONS, (64, 96))
R50 = afformer_r50(ACTIONS, (64, 64))


def random_images(*shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)


@pytest.mark.parametrize('configuration', [SMALL, R50], ids=['small', 'r50'])
def test_batch_of_different_lengths_equals_each_alone(
    configuration: AfformerConfiguration,
) -> None:
    model = random_model(configuration)
    lengths = torch.tensor([7, 1, 4])
    images = random_images(3, *configuration.input_size, 3)
    frames = random_images(3, 7, *configuration.input_size, 3)

    heatmaps, actions = model(images, frames, lengths)

    for i, length in enumerate(lengths.tolist()):
        heatmap, action = model(images[i : i + 1], frames[i : i + 1, :length])
        torch.testing.assert_close(heatmaps[i], heatmap[0], atol=2e-5, rtol=0)
        torch.testing.assert_close(actions[i], action[0], atol=2e-5, rtol=0)


def test_what_stands_in_padding_is_never_seen() -> None:
    model = random_model(SMALL)
    images, frames = random_images(1, 64, 96, 3), random_images(1, 6, 64, 96, 3)
    lengths = torch.tensor([3])
    altered = frames.clone()
    altered[:, 3:] = 255

    assert torch.equal(model(images, frames, lengths)[0], model(images, altered, lengths)[0])


def test_order_of_frames_matters() -> None:
    model = random_model(SMALL)
    images, frames = random_images(1, 64, 96, 3), random_images(1, 6, 64, 96, 3)

    assert not torch.allclose(model(images, frames)[0], model(images, frames.flip(1))[0])


def test_r50_draws_a_heatmap_for_each_action_at_full_size() -> None:
    heatmaps, actions = random_model(R50)(
        random_images(2, 64, 64, 3), random_images(2, 3, 64, 64, 3)
    )

    assert heatmaps.shape == (2, 3, 64, 64)
    assert actions.shape == (2, 3)


def test_small_model_draws_one_heatmap_at_full_size() -> None:
    heatmaps, actions = random_model(SMALL)(
        random_images(2, 64, 96, 3), random_images(2, 3, 64, 96, 3)
    )

    assert heatmaps.shape == (2, 1, 64, 96)
    assert actions.shape == (2, 3)


def test_frozen_tables_change_nothing() -> None:
    model = random_model(SMALL)
    images, frames = random_images(1, 64, 96, 3), random_images(1, 4, 64, 96, 3)
    before = model(images, frames)[0]
    model.freeze_tables()

    assert torch.equal(model(images, frames)[0], before)


def test_gradients_reach_every_trained_parameter() -> None:
    model = random_model(SMALL).requires_grad_(True)
    heatmaps, actions = model(random_images(1, 64, 96, 3), random_images(1, 4, 64, 96, 3))
    (heatmaps.square().sum() + actions.square().sum()).backward()

    unreached = [name for name, p in model.named_parameters() if p.grad is None]
    assert unreached == []


def test_coco_detection_weights_load_into_the_r50_encoder() -> None:
    detector = fasterrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
    ours = random_model(afformer_r50(ACTIONS)).encoder.backbone_with_fpn.eval()
    # The branch of p5 and the batch counters are the only parameters of theirs we do not have.
    known = set(ours.state_dict())
    theirs = {name: t for name, t in detector.backbone.state_dict().items() if name in known}
    ours.load_state_dict(theirs, strict=True)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = detector.backbone.eval()(image)
        found = ours.pyramid(ours.backbone(image), ('p4', 'p3', 'p2'))

    for ours_level, theirs_level in zip(found, ('2', '1', '0'), strict=True):
        torch.testing.assert_close(ours_level, expected[theirs_level], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('backbone', 'vgg16'),
        ('channels', 100),
        ('image_levels', ('p3', 'p4')),
        ('maximum_frames', 0),
        ('input_size', (100, 128)),
        ('action_names', ('press', 'press')),
        ('action_activation', 'relu'),
    ],
)
def test_configuration_names_the_field_that_is_out_of_range(field: str, value: object) -> None:
    fields = SMALL.to_json() | {field: value}

    with pytest.raises(ValueError, match=field):
        AfformerConfiguration.from_json(fields)


def test_the_stage_that_is_computed_again_gets_the_same_gradients() -> None:
    images, frames = random_images(1, 64, 64, 3), random_images(1, 2, 64, 64, 3)
    gradients = []
    for recomputes in (True, False):
        model = random_model(R50).requires_grad_(True)
        model.encoder.backbone_with_fpn.body.recomputes = recomputes
        heatmaps, _ = model(images, frames)
        heatmaps.square().mean().backward()
        gradients.append(model.encoder.backbone_with_fpn.body.conv1.weight.grad)

    torch.testing.assert_close(gradients[0], gradients[1])
    assert gradients[0].abs().sum() > 0

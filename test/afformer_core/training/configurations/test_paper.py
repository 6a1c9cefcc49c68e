# SPDX-License-Identifier: Apache-2.0
"""The paper's statements, one row each: whether this project does the same, and where.

docs/research/paper.md has the same rows for people. Values are those that the parser of
`afformer train` makes of a configuration; rows of tables are in `test_tables_of_the_paper.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from afformer_core.cli.main import build_parser
from afformer_core.data.heatmaps import blur_kernel_size
from afformer_core.hands.detector_folder import INTERACTION_SCORE

from .configurations import resolved

ROOT = Path(__file__).parents[4]
R50 = ('opra/r50', 'epic/r50', 'assistq/r50')
SUPERVISED = (*R50, 'opra/r50_deconv', 'opra/r50_finetune', 'opra/vitdet_b')
PRETRAINED = ('maskahand/opra', 'maskahand/epic', 'maskahand/assistq')
ALL = (*SUPERVISED, *PRETRAINED)
RESNET = tuple(name for name in ALL if name != 'opra/vitdet_b')
ARCHITECTURE = 'model.architecture.'
OPTIMIZATION = 'model.optimization.'
DATA = 'data.init_args.'
SYNTHESIS = 'data.init_args.synthesis.'


@dataclass(frozen=True)
class Statement:
    """What the paper says, and what is so here.

    Attributes:
        section: of the paper.
        text: what it says.
        verdict: 'same', 'differs' or 'not here'.
        where: path of the file or folder in which it is, or in which the difference is told; of
            what is not here, the reason, or such a path.
        told: words that stand in that file; empty: the file's being there is enough.
        values: by the names of configurations, values that they have.
    """

    section: str
    text: str
    verdict: str
    where: str
    told: str = ''
    values: Mapping[tuple[str, ...], Mapping[str, Any]] = field(default_factory=dict)


STATEMENTS = (
    Statement(
        '3.1', 'a heatmap over the image and an action label', 'same',
        'config/train/opra/r50.yaml',
        values={SUPERVISED: {f'{ARCHITECTURE}heatmap_per_action': False},
                ('opra/r50', 'opra/vitdet_b'): {f'{ARCHITECTURE}action_activation': 'softmax'}},
    ),
    Statement(
        '3.2', 'one encoder for images and frames, without time', 'same',
        'afformer_core/models/afformer.py', 'that of images unless frames have a separate one',
        {ALL: {f'{ARCHITECTURE}video_encoder': 'shared'}},
    ),
    Statement(
        '3.2', 'ResNet-50 with FPN, or ViTDet-B', 'same', 'afformer_core/models/presets.py', '',
        {RESNET: {f'{ARCHITECTURE}backbone': 'resnet50'},
         ('opra/vitdet_b',): {f'{ARCHITECTURE}backbone': 'vitdet_b'}},
    ),
    Statement(
        '3.2', 'image levels of strides 16, 8 and 4, coarse to fine', 'same',
        'afformer_core/models/configuration.py', 'coarse to fine',
        {R50: {f'{ARCHITECTURE}image_levels': ('p4', 'p3', 'p2')}},
    ),
    Statement(
        '3.2', 'frames at the fixed stride 8', 'same',
        'afformer_core/models/configuration.py', 'one for all steps or one for each',
        {R50: {f'{ARCHITECTURE}video_levels': ('p3',)}},
    ),
    Statement(
        '3.2', 'grids of 16, 32 and 64 a side and videos of 32, of ViTDet at 1024 too', 'same',
        'docs/research/configurations.md',
        'of strides 64, 32 and 16, whose grids equal those of a ResNet-50 at 256',
        {('opra/vitdet_b',): {f'{ARCHITECTURE}image_levels': ('p6', 'p5', 'p4'),
                              f'{ARCHITECTURE}video_levels': ('p5',)}},
    ),
    Statement(
        'eq. 4', 'cross-attention with decomposed relative positions', 'same',
        'afformer_core/models/layers/relative_position.py', 'ecomposed',
    ),
    Statement(
        'eq. 4', 'C / 64 heads: 4 heads of 256 channels (Table 6a)', 'same',
        'afformer_core/models/presets.py', '',
        {R50: {f'{ARCHITECTURE}channels': 256, f'{ARCHITECTURE}head_channels': 64}},
    ),
    Statement(
        'eq. 5-10', 'self-attention of the image, cross-attention to the video, MLP; one block',
        'same', 'afformer_core/models/decoders/decoder.py',
        'self-attention on the image, cross-attention to the video, and an MLP',
        {R50: {f'{ARCHITECTURE}decoder': 'fine_grained',
               f'{ARCHITECTURE}decoder_blocks': 'shared'}},
    ),
    Statement(
        'eq. 8', 'the residual is only the image level', 'differs',
        'afformer_core/models/configuration.py', 'as in the paper',
        {R50: {f'{ARCHITECTURE}residual': 'image_and_decoding'}},
    ),
    Statement(
        'eq. 8', 'nothing is added that tells the levels apart', 'differs',
        'afformer_core/models/decoders/decoder.py', 'the paper does not mention such a vector',
    ),
    Statement(
        'eq. 9', 'C3D: kernel 3, stride 2 only in time; T, T/2, T/4', 'differs',
        'afformer_core/models/decoders/decoder.py',
        'A kernel spans three frames and one position, as in the released model',
        {R50: {f'{ARCHITECTURE}temporal_strides': (1, 2, 4)}},
    ),
    Statement(
        '3.2', 'UP is nearest upsampling', 'same', 'afformer_core/models/decoders/decoder.py',
        "mode='nearest'",
    ),
    Statement(
        '3.2', 'deconvolutions from C x 64 x 64 to 256 x 256', 'same',
        'afformer_core/models/decoders/predictor.py', 'Two deconvolutions',
    ),
    Statement(
        '3.2', 'actions by an MLP and adaptive pooling', 'same',
        'afformer_core/models/decoders/predictor.py', 'AdaptiveAvgPool2d',
        {R50: {f'{ARCHITECTURE}action_pooling': 'mean'}},
    ),
    Statement(
        'eq. 11', 'KL divergence of heatmaps plus cross-entropy of actions', 'same',
        'afformer_core/training/losses.py', "'cross_entropy' (paper, section 3.2)",
        {('opra/r50', 'epic/r50', 'opra/r50_deconv', 'opra/r50_finetune', 'opra/vitdet_b'):
            {'model.loss.actions': 'cross_entropy', 'model.loss.action_weight': 1.0,
             'model.loss.sharpening': 1.0, 'model.loss.precision_weight': 0.0}},
    ),
    Statement(
        '4.2', 'Faster R-CNN on 100DOH that tells interacting hands', 'same',
        'config/train/hands/r50.yaml', "The paper's hand detector on 100DOH",
        {('hands/r50',): {'model.architecture': 'fasterrcnn_resnet50_fpn_v2',
                          'model.weights': 'coco',
                          'data.train.folder': 'VOCdevkit2007_handobj_100K/VOC2007'}},
    ),
    Statement(
        '4.2', 'its AP of 84.9 on 100DOH', 'not here',
        'no detector was trained on 100DOH here; the detector of the authors can be imported',
    ),
    Statement(
        '4.2', 'clips of 32 consecutive frames, 16 apart, at 5 a second', 'same',
        'afformer_core/cli/mine.py', '',
        {('afformer mine',): {'rate': 5.0, 'clip_frames': 32, 'stride': 16}},
    ),
    Statement(
        '4.2', 'a hand interacts from a score of 0.99 on (Table 6b)', 'same',
        'afformer_core/hands/detector_folder.py', 'INTERACTION_SCORE = 0.99',
        {('afformer mine',): {'interaction_score': 0.99}},
    ),
    Statement(
        '4.2', "clips are mined from the training split's raw videos (Figure 5)", 'same',
        'afformer_core/data/split_videos.py',
        'The videos of an annotated split, for mining without the test split',
    ),
    Statement(
        '4.2', 'the target image is any frame of the clip with an interaction', 'same',
        'config/train/maskahand/opra.yaml', '',
        {PRETRAINED: {f'{DATA}interactions': 32, f'{DATA}targets': 1,
                      f'{SYNTHESIS}hand_free_share': 0.0}},
    ),
    Statement(
        '4.2', 'the hand that interacts is masked, 1.5 times as large', 'same',
        'config/train/maskahand/opra.yaml', '',
        {PRETRAINED: {f'{SYNTHESIS}masks.hidden': 'interacting',
                      f'{SYNTHESIS}masks.shape': 'scaled', f'{SYNTHESIS}masks.scale': 1.5}},
    ),
    Statement(
        '4.2', 'one more mask of the same scale at random', 'same',
        'config/train/maskahand/opra.yaml', '',
        {PRETRAINED: {f'{SYNTHESIS}masks.random_masks': 1}},
    ),
    Statement(
        '4.2', 'at most one hand is masked in an image (Table 5a)', 'differs',
        'docs/research/maskahand.md', 'Where several hands interact in a frame, each has a mask',
    ),
    Statement(
        'Table 8', 'masks are filled with random values of 0 to 255', 'same',
        'config/train/maskahand/opra.yaml', 'fill: noise',
        {PRETRAINED: {f'{SYNTHESIS}masks.fill': 'noise'}},
    ),
    Statement(
        '4.2', 'a random perspective of distortion 0.5, of image and target alike', 'same',
        'config/train/maskahand/opra.yaml', '',
        {PRETRAINED: {f'{SYNTHESIS}image.perspective.distortion': 0.5,
                      f'{SYNTHESIS}image.perspective.probability': 1.0,
                      f'{SYNTHESIS}image.perspective.border': 'crop',
                      f'{SYNTHESIS}image.photometric.brightness': 0.0,
                      f'{SYNTHESIS}image.crop.scale': [1.0, 1.0]}},
    ),
    Statement(
        '4.3', 'the target is the blurred box of the hand', 'same',
        'afformer_core/training/datasets/batch.py',
        'all boxes of an image together are its blurred target',
        {PRETRAINED: {f'{SYNTHESIS}target.form': 'box'}},
    ),
    Statement(
        '4.3', 'only the loss of heatmaps, without an action predictor', 'same',
        'config/train/maskahand/opra.yaml', '', {PRETRAINED: {'model.loss.actions': 'none'}},
    ),
    Statement(
        '4.3', 'evaluated as it is, or fine-tuned', 'same',
        'config/train/opra/r50_finetune.yaml', '',
        {('opra/r50_finetune',): {'model.initial': 'models/maskahand_opra'}},
    ),
    Statement(
        '5.1', 'OPRA: clip, image, action of 7, ten points', 'same',
        'afformer_core/data/readers/opra.py',
    ),
    Statement(
        '5.1', 'EPIC-Hotspot: clips and images of the same object', 'differs',
        'afformer_core/data/readers/epic_hotspot.py', 'do not assign clips to images',
    ),
    Statement(
        '5.1', 'AssistQ Buttons: 650 training and 91 test samples that the authors marked',
        'differs', 'afformer_core/data/readers/assistq.py',
        'Numbers measured on these samples are therefore not comparable with the published ones',
    ),
    Statement(
        '5.1', 'AssistQ: no action, the middle of the button is the point', 'same',
        'config/train/assistq/r50.yaml', 'without an action',
        {('assistq/r50',): {'model.loss.actions': 'none'}},
    ),
    Statement(
        '5.1', 'trained on the training split', 'same', 'config/train/opra/r50.yaml',
        'trains on all of `train`',
        {SUPERVISED: {f'{DATA}train.images': None, f'{DATA}train.share': 1.0,
                      f'{DATA}validation.annotations': None},
         PRETRAINED: {f'{DATA}validation.annotations': None}},
    ),
    Statement(
        '5.1', 'AdamW, weight decay 0.05, also of ViTDet', 'same',
        'afformer_core/training/optimization.py', 'AdamW with a warm-up and a cosine decay',
        {ALL: {f'{OPTIMIZATION}weight_decay': 0.05, f'{OPTIMIZATION}layer_decay': 1.0,
               f'{OPTIMIZATION}frozen': []}},
    ),
    Statement(
        '5.1', 'a learning rate of 3e-4 with cosine decay, no warm-up', 'same',
        'config/train/opra/r50.yaml', '',
        {RESNET: {f'{OPTIMIZATION}learning_rate': 3e-4, f'{OPTIMIZATION}warmup_steps': 0}},
    ),
    Statement(
        '5.1', 'the same values for every dataset, and in pre-training', 'same',
        'config/train/maskahand/assistq.yaml', '',
        {ALL: {'trainer.max_steps': 5000, 'trainer.accumulate_grad_batches': 1}},
    ),
    Statement(
        '5.1', 'batches of 16, 5,000 iterations', 'same', 'config/train/opra/r50.yaml', '',
        {SUPERVISED: {f'{DATA}batch_size': 16, f'{DATA}targets': 1, 'trainer.max_steps': 5000}},
    ),
    Statement(
        'Table 6a', '7 epochs, which of 16,000 samples are 7,000 iterations of 16', 'differs',
        'config/train/opra/r50.yaml', 'Table 6a has 7 epochs',
    ),
    Statement(
        'Table 6a', 'a tenth of the learning rate for the backbone, R50-FPN (Table 6b)', 'same',
        'afformer_core/training/optimization.py', 'as in the paper (Table 6b',
        {ALL: {f'{OPTIMIZATION}backbone_factor': 0.1, f'{OPTIMIZATION}backbone_scope': 'encoder'}},
    ),
    Statement(
        'Table 6a', '16-bit automatic mixed precision', 'same', 'config/train/opra/r50.yaml',
        'more than attention in fp16 holds for sure',
        {(*R50, 'opra/r50_finetune', 'opra/vitdet_b'): {'trainer.precision': 'bf16-mixed'},
         ('opra/r50_deconv', *PRETRAINED): {'trainer.precision': '16-mixed'}},
    ),
    Statement(
        'Table 6a', 'at most 64 frames, sampled uniformly', 'same',
        'config/train/opra/r50.yaml', '',
        {SUPERVISED: {f'{DATA}frames': 'uniform 64', f'{ARCHITECTURE}maximum_frames': 64}},
    ),
    Statement(
        '5.1', 'images and frames of 256 x 256', 'same', 'config/train/opra/r50.yaml', '',
        {RESNET: {f'{ARCHITECTURE}input_size': (256, 256)}},
    ),
    Statement(
        '5.1', 'ViTDet: 2e-4 and 1024 x 1024, all else the same', 'same',
        'config/train/opra/vitdet_b.yaml', '',
        {('opra/vitdet_b',): {f'{OPTIMIZATION}learning_rate': 2e-4,
                              f'{ARCHITECTURE}input_size': (1024, 1024)}},
    ),
    Statement(
        '5.1', 'points are blurred by a kernel of sqrt(256 x 256) / 3', 'same',
        'afformer_core/data/heatmaps.py', 'sqrt(height * width) / 3, 85 at 256x256',
        {('blur',): {'kernel': 85}},
    ),
    Statement(
        '5.1', 'OPRA: "a gaussian blur with a kernel size of 3"', 'differs',
        'afformer_core/data/heatmaps.py', 'which would barely blur a map of 256x256',
    ),
    Statement(
        '5.1', 'encoders begin with COCO detection weights', 'same',
        'afformer_core/models/pretrained/coco.py', '',
        {tuple(name for name in RESNET if name != 'opra/r50_finetune'):
            {'model.backbone_weights': 'coco'},
         ('opra/vitdet_b',): {'model.backbone_weights': 'mask_rcnn_vitdet_b_coco.pkl'}},
    ),
    Statement(
        '5.1', 'no gradient clipping and no augmentation are named', 'same',
        'config/train/opra/r50.yaml', '',
        {ALL: {'trainer.gradient_clip_val': None},
         SUPERVISED: {'trainer.callbacks': None,
                      f'{DATA}augmentation.flip.probability': 0.0,
                      f'{DATA}augmentation.image.perspective.distortion': 0.0,
                      f'{DATA}augmentation.image.crop.scale': [1.0, 1.0]}},
    ),
    Statement(
        'Table 6b', 'pre-training: batches of 32, clips of 32 frames', 'same',
        'config/train/maskahand/opra.yaml', '',
        {PRETRAINED: {f'{DATA}batch_size': 32, f'{DATA}frames': 32}},
    ),
    Statement(
        '5.1', 'KLD, SIM and AUC-J', 'same', 'afformer_core/evaluation/metrics/metrics.py',
    ),
    Statement(
        'Table 1', 'Demo2Vec: LSTM, ConvLSTM, TSA + ConvLSTM', 'differs',
        'docs/research/earlier_methods.md', 'They are built after the published descriptions',
    ),
    Statement(
        'Table 1', 'Demo2Vec: Motion + TSA + ConvLSTM', 'not here',
        'docs/research/earlier_methods.md',
        'a second network reads the motion between neighbouring frames',
    ),
    Statement(
        'Table 1', 'ResNet-50-Deconv', 'differs', 'docs/research/configurations.md',
        'the deconvolution baseline attends to the mean of each frame',
        {('opra/r50_deconv',): {f'{ARCHITECTURE}decoder': 'deconvolution',
                                f'{ARCHITECTURE}image_levels': ('p4',)}},
    ),
    Statement('Table 1', 'ResNet-50-Afformer', 'same', 'config/train/opra/r50.yaml'),
    Statement('Table 1', 'ViTDet-B-Afformer', 'same', 'config/train/opra/vitdet_b.yaml'),
    Statement(
        'Table 1', 'MaskAHand, zero-shot and fine-tuned, of both decoders', 'same',
        'config/train/maskahand/opra.yaml', 'table_1/resnet50_deconv',
    ),
    Statement(
        'Table 2', 'EGOGAZE, MLNET, DEEPGAZEII, SALGAN, Hotspot, HAG-Net', 'not here',
        'docs/research/earlier_methods.md', 'weakly supervised',
    ),
    Statement(
        'Table 2', 'Center Bias', 'same', 'afformer_core/evaluation/baselines.py',
        'Return the heatmap of "Center Bias" in the paper\'s Table 2',
    ),
    Statement(
        'Table 2', 'Img2heatmap', 'differs', 'docs/research/earlier_methods.md',
        'Img2heatmap (Table 2)',
    ),
    Statement(
        'Table 2', 'Afformer and MaskAHand at 28 x 28, bilinear in training and inference', 'same',
        'config/train/ablations/table_2/size_28.yaml', 'brought to 28x28 bilinearly',
    ),
    Statement(
        'Table 3', 'Afformer, and fine-tuned after MaskAHand', 'same',
        'config/train/assistq/r50.yaml', '--model.initial models/maskahand_assistq',
    ),
    Statement(
        'Table 3', 'accuracy of the button', 'differs',
        'afformer_core/evaluation/tables/which_button.py',
        'The chosen button is the one whose box contains the best peak',
    ),
    Statement(
        'Table 4a', 'single pyramid: 7 rows', 'same', 'config/train/ablations/table_4a',
    ),
    Statement(
        'Table 4b', 'multiple pyramids: 6 rows', 'same', 'config/train/ablations/table_4b',
    ),
    Statement(
        'Table 4c', 'temporal pyramids: 3 rows', 'same', 'config/train/ablations/table_4c',
    ),
    Statement(
        'Table 5a', 'masks: 8 rows, without perspective', 'same',
        'config/train/ablations/table_5a',
    ),
    Statement(
        'Table 5b', 'distortions: 4 rows', 'same', 'config/train/ablations/table_5b',
    ),
    Statement(
        'Table 5b', 'a network diverges at a distortion of 1.0', 'differs',
        'docs/research/maskahand.md', 'they are drawn again, so that 1.0 need not diverge here',
    ),
    Statement(
        'Table 7a', 'backbone and input projection of image and video shared: 3 models', 'differs',
        'afformer_core/models/configuration.py',
        'The input projection of Table 7b is assumed to be this convolution',
    ),
    Statement(
        'Table 7b', 'input projection and decoder of levels shared: 3 models', 'differs',
        'afformer_core/models/configuration.py', "or one 'per_step' (Table 7b)",
    ),
    Statement(
        'Table 8', 'masks of zeros, or random: 2 rows', 'same', 'config/train/ablations/table_8',
    ),
)  # fmt: skip


def values_of(name: str) -> Mapping[str, Any]:
    """Of a configuration, or of what is no configuration."""
    if name == 'afformer mine':
        arguments = vars(build_parser().parse_args(['mine', 'videos', '--output', 'mined']))
        assert arguments['minimum_score'] is None
        return {**arguments, 'interaction_score': INTERACTION_SCORE}
    if name == 'blur':
        return {'kernel': blur_kernel_size(256, 256)}
    return resolved(name)


def name_of(statement: Statement) -> str:
    return f'{statement.section}: {statement.text}'


@pytest.mark.parametrize('statement', STATEMENTS, ids=name_of)
def test_configurations_have_the_papers_values(statement: Statement) -> None:
    for names, expected in statement.values.items():
        for name in names:
            found = values_of(name)
            assert {key: found.get(key) for key in expected} == dict(expected), name


@pytest.mark.parametrize('statement', STATEMENTS, ids=name_of)
def test_what_is_here_is_where_it_is_said_to_be(statement: Statement) -> None:
    path = ROOT / statement.where
    if statement.verdict == 'not here' and not statement.told:
        assert not path.exists()
        return
    assert path.exists(), statement.where
    assert statement.told or statement.verdict == 'same'
    if statement.told:
        assert statement.told in plain(path.read_text())


def plain(text: str) -> str:
    """Text without the signs of comments and with one blank between words."""
    return ' '.join(re.sub(r'^\s*#', '', text, flags=re.MULTILINE).split())


def test_the_page_has_the_same_rows() -> None:
    lines = (ROOT / 'docs' / 'research' / 'paper.md').read_text().splitlines()
    rows = [
        tuple(cell.strip() for cell in line.strip('|').split('|'))
        for line in lines
        if line.startswith('|')
    ]
    assert rows[0] == ('paper', 'it says', 'here', 'where')
    assert rows[2:] == [
        (each.section, each.text, each.verdict, shown(each)) for each in STATEMENTS
    ]


def shown(statement: Statement) -> str:
    """Where something is, as the page says it."""
    where = statement.where
    link = os.path.relpath(where, 'docs/research')
    return f'[{where}]({link})' if (ROOT / where).exists() else where


@pytest.mark.parametrize('name', ['opra/r50_released', 'opra/vitdet_b_released'])
def test_what_the_released_code_trains_otherwise(name: str) -> None:
    values = resolved(name)
    assert values['model.loss.actions'] == 'multi_label'
    assert values[f'{ARCHITECTURE}heatmap_per_action'] is True
    assert values[f'{DATA}augmentation.flip.probability'] == 0.5
    assert values.get('trainer.gradient_clip_val') is None
    assert values.get(f'{DATA}train.images') is None
    assert values.get(f'{DATA}validation.annotations') is None


def test_the_released_rates_and_windows() -> None:
    small, large = resolved('opra/r50_released'), resolved('opra/vitdet_b_released')
    keys = [f'{OPTIMIZATION}{key}' for key in ('learning_rate', 'weight_decay', 'backbone_factor')]
    assert [small[key] for key in keys] == [3e-4, 0.05, 0.1]
    assert small[f'{OPTIMIZATION}backbone_scope'] == 'encoder'
    assert [large[key] for key in keys] == [2e-4, 0.1, 1.0]
    assert small[f'{DATA}frames'] == '2 fps x 32 every 16'
    assert large[f'{DATA}frames'] == '2 fps x 24 every 12'
    assert [each['trainer.max_steps'] for each in (small, large)] == [4000, 6000]

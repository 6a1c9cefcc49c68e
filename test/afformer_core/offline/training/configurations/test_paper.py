# SPDX-License-Identifier: Apache-2.0
"""The paper's statements in docs/research/paper.md: whether what they say is so, and where.

Values are those that the parser of
`afformer train` makes of a configuration; rows of tables are in `test_tables_of_the_paper.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from afformer_core.cli.main import build_parser
from afformer_core.hands.detector_folder import INTERACTION_SCORE
from afformer_core.offline.data.heatmaps import blur_kernel_size

from .configurations import resolved

ROOT = Path(__file__).parents[5]
PAGE = ROOT / 'docs/research'
# Rows by their verdict.
COUNTS = {'same': 54, 'differs': 15, 'not here': 3}
R50 = ('opra/r50', 'epic/r50', 'assistq/r50')
SUPERVISED = (*R50, 'opra/r50_deconv', 'opra/r50_finetune', 'opra/vitdet_b')
PRETRAINED = ('maskahand/opra', 'maskahand/epic', 'maskahand/assistq')
ALL = (*SUPERVISED, *PRETRAINED)
RESNET = tuple(name for name in ALL if name != 'opra/vitdet_b')
ARCHITECTURE = 'model.architecture.'
OPTIMIZATION = 'model.optimization.'
DATA = 'data.init_args.'
SYNTHESIS = 'data.init_args.synthesis.'


TOLD = {
    'one encoder for images and frames, without time':
        'that of images unless frames have a separate one',
    'image levels of strides 16, 8 and 4, coarse to fine': 'coarse to fine',
    'frames at the fixed stride 8': 'one for all steps or one for each',
    'grids of 16, 32 and 64 a side and videos of 32, of ViTDet at 1024 too':
        'of strides 64, 32 and 16, whose grids equal those of a ResNet-50 at 256',
    'cross-attention with decomposed relative positions': 'ecomposed',
    'self-attention of the image, cross-attention to the video, MLP; one block':
        'self-attention on the image, cross-attention to the video, and an MLP',
    'the residual is only the image level': 'as in the paper',
    'nothing is added that tells the levels apart': 'the paper does not mention such a vector',
    'C3D: kernel 3, stride 2 only in time; T, T/2, T/4':
        'A kernel spans three frames and one position, as in the released model',
    'UP is nearest upsampling': "mode='nearest'",
    'deconvolutions from C x 64 x 64 to 256 x 256': 'Two deconvolutions',
    'actions by an MLP and adaptive pooling': 'AdaptiveAvgPool2d',
    'KL divergence of heatmaps plus cross-entropy of actions':
        "'cross_entropy' (paper, section 3.2)",
    'Faster R-CNN on 100DOH that tells interacting hands': "The paper's hand detector on 100DOH",
    'a hand interacts from a score of 0.99 on (Table 6b)': 'INTERACTION_SCORE = 0.99',
    "clips are mined from the training split's raw videos (Figure 5)":
        'The videos of an annotated split, for mining without the test split',
    'at most one hand is masked in an image (Table 5a)':
        'Where several hands interact in a frame, each has a mask',
    'masks are filled with random values of 0 to 255': 'fill: noise',
    'the target is the blurred box of the hand':
        'all boxes of an image together are its blurred target',
    'EPIC-Hotspot: clips and images of the same object': 'do not assign clips to images',
    'AssistQ Buttons: 650 training and 91 test samples that the authors marked':
        'Numbers measured on these samples are therefore not comparable with the published ones',
    'AssistQ: no action, the middle of the button is the point': 'without an action',
    'trained on the training split': 'trains on all of `train`',
    'AdamW, weight decay 0.05, also of ViTDet': 'AdamW with a warm-up and a cosine decay',
    '7 epochs, which of 16,000 samples are 7,000 iterations of 16': 'Table 6a has 7 epochs',
    'a tenth of the learning rate for the backbone, R50-FPN (Table 6b)':
        'as in the paper (Table 6b',
    '16-bit automatic mixed precision': 'more than attention in fp16 holds for sure',
    'points are blurred by a kernel of sqrt(256 x 256) / 3':
        'sqrt(height * width) / 3, 85 at 256x256',
    'OPRA: "a gaussian blur with a kernel size of 3"': 'which would barely blur a map of 256x256',
    'Demo2Vec: LSTM, ConvLSTM, TSA + ConvLSTM': 'They are built after the published descriptions',
    'Demo2Vec: Motion + TSA + ConvLSTM':
        'a second network reads the motion between neighbouring frames',
    'ResNet-50-Deconv': 'the deconvolution baseline attends to the mean of each frame',
    'MaskAHand, zero-shot and fine-tuned, of both decoders': 'table_1/resnet50_deconv',
    'EGOGAZE, MLNET, DEEPGAZEII, SALGAN, Hotspot, HAG-Net': 'weakly supervised',
    'Center Bias': 'Return the heatmap of "Center Bias" in the paper\'s Table 2',
    'Img2heatmap': 'Img2heatmap (Table 2)',
    'Afformer and MaskAHand at 28 x 28, bilinear in training and inference':
        'brought to 28x28 bilinearly',
    'Afformer, and fine-tuned after MaskAHand': '--model.initial models/maskahand_assistq',
    'accuracy of the button': 'The chosen button is the one whose box contains the best peak',
    'a network diverges at a distortion of 1.0':
        'they are drawn again, so that 1.0 need not diverge here',
    'backbone and input projection of image and video shared: 3 models':
        'The input projection of Table 7b is assumed to be this convolution',
    'input projection and decoder of levels shared: 3 models': "or one 'per_step' (Table 7b)",
}  # fmt: skip
"""Words in the file of a row, by what the paper says."""

VALUES: Mapping[str, Mapping[tuple[str, ...], Mapping[str, Any]]] = {
    'a heatmap over the image and an action label':
        {SUPERVISED: {f'{ARCHITECTURE}heatmap_per_action': False},
         ('opra/r50', 'opra/vitdet_b'): {f'{ARCHITECTURE}action_activation': 'softmax'}},
    'one encoder for images and frames, without time':
        {ALL: {f'{ARCHITECTURE}video_encoder': 'shared'}},
    'ResNet-50 with FPN, or ViTDet-B':
        {RESNET: {f'{ARCHITECTURE}backbone': 'resnet50'},
         ('opra/vitdet_b',): {f'{ARCHITECTURE}backbone': 'vitdet_b'}},
    'image levels of strides 16, 8 and 4, coarse to fine':
        {R50: {f'{ARCHITECTURE}image_levels': ('p4', 'p3', 'p2')}},
    'frames at the fixed stride 8':
        {R50: {f'{ARCHITECTURE}video_levels': ('p3',)}},
    'grids of 16, 32 and 64 a side and videos of 32, of ViTDet at 1024 too':
        {('opra/vitdet_b',): {f'{ARCHITECTURE}image_levels': ('p6', 'p5', 'p4'),
                              f'{ARCHITECTURE}video_levels': ('p5',)}},
    'C / 64 heads: 4 heads of 256 channels (Table 6a)':
        {R50: {f'{ARCHITECTURE}channels': 256, f'{ARCHITECTURE}head_channels': 64}},
    'self-attention of the image, cross-attention to the video, MLP; one block':
        {R50: {f'{ARCHITECTURE}decoder': 'fine_grained',
               f'{ARCHITECTURE}decoder_blocks': 'shared'}},
    'the residual is only the image level':
        {R50: {f'{ARCHITECTURE}residual': 'image_and_decoding'}},
    'C3D: kernel 3, stride 2 only in time; T, T/2, T/4':
        {R50: {f'{ARCHITECTURE}temporal_strides': (1, 2, 4)}},
    'actions by an MLP and adaptive pooling':
        {R50: {f'{ARCHITECTURE}action_pooling': 'mean'}},
    'KL divergence of heatmaps plus cross-entropy of actions':
        {('opra/r50', 'epic/r50', 'opra/r50_deconv', 'opra/r50_finetune', 'opra/vitdet_b'):
            {'model.loss.actions': 'cross_entropy', 'model.loss.action_weight': 1.0,
             'model.loss.sharpening': 1.0, 'model.loss.precision_weight': 0.0}},
    'Faster R-CNN on 100DOH that tells interacting hands':
        {('hands/r50',): {'model.architecture': 'fasterrcnn_resnet50_fpn_v2',
                          'model.weights': 'coco',
                          'data.train.folder': 'VOCdevkit2007_handobj_100K/VOC2007'}},
    'clips of 32 consecutive frames, 16 apart, at 5 a second':
        {('afformer mine',): {'rate': 5.0, 'clip_frames': 32, 'stride': 16}},
    'a hand interacts from a score of 0.99 on (Table 6b)':
        {('afformer mine',): {'interaction_score': 0.99}},
    'the target image is any frame of the clip with an interaction':
        {PRETRAINED: {f'{DATA}interactions': 32, f'{DATA}targets': 1,
                      f'{SYNTHESIS}hand_free_share': 0.0}},
    'the hand that interacts is masked, 1.5 times as large':
        {PRETRAINED: {f'{SYNTHESIS}masks.hidden': 'interacting',
                      f'{SYNTHESIS}masks.shape': 'scaled', f'{SYNTHESIS}masks.scale': 1.5}},
    'one more mask of the same scale at random':
        {PRETRAINED: {f'{SYNTHESIS}masks.random_masks': 1}},
    'masks are filled with random values of 0 to 255':
        {PRETRAINED: {f'{SYNTHESIS}masks.fill': 'noise'}},
    'a random perspective of distortion 0.5, of image and target alike':
        {PRETRAINED: {f'{SYNTHESIS}image.perspective.distortion': 0.5,
                      f'{SYNTHESIS}image.perspective.probability': 1.0,
                      f'{SYNTHESIS}image.perspective.border': 'crop',
                      f'{SYNTHESIS}image.photometric.brightness': 0.0,
                      f'{SYNTHESIS}image.crop.scale': [1.0, 1.0]}},
    'the target is the blurred box of the hand':
        {PRETRAINED: {f'{SYNTHESIS}target.form': 'box'}},
    'only the loss of heatmaps, without an action predictor':
        {PRETRAINED: {'model.loss.actions': 'none'}},
    'evaluated as it is, or fine-tuned':
        {('opra/r50_finetune',): {'model.initial': 'models/maskahand_opra'}},
    'AssistQ: no action, the middle of the button is the point':
        {('assistq/r50',): {'model.loss.actions': 'none'}},
    'trained on the training split':
        {SUPERVISED: {f'{DATA}train.images': None, f'{DATA}train.share': 1.0,
                      f'{DATA}validation.annotations': None},
         PRETRAINED: {f'{DATA}validation.annotations': None}},
    'AdamW, weight decay 0.05, also of ViTDet':
        {ALL: {f'{OPTIMIZATION}weight_decay': 0.05, f'{OPTIMIZATION}layer_decay': 1.0,
               f'{OPTIMIZATION}frozen': []}},
    'a learning rate of 3e-4 with cosine decay, no warm-up':
        {RESNET: {f'{OPTIMIZATION}learning_rate': 3e-4, f'{OPTIMIZATION}warmup_steps': 0}},
    'the same values for every dataset, and in pre-training':
        {ALL: {'trainer.max_steps': 5000, 'trainer.accumulate_grad_batches': 1}},
    'batches of 16, 5,000 iterations':
        {SUPERVISED: {f'{DATA}batch_size': 16, f'{DATA}targets': 1, 'trainer.max_steps': 5000}},
    'a tenth of the learning rate for the backbone, R50-FPN (Table 6b)':
        {ALL: {f'{OPTIMIZATION}backbone_factor': 0.1, f'{OPTIMIZATION}backbone_scope': 'encoder'}},
    '16-bit automatic mixed precision':
        {(*R50, 'opra/r50_finetune', 'opra/vitdet_b'): {'trainer.precision': 'bf16-mixed'},
         ('opra/r50_deconv', *PRETRAINED): {'trainer.precision': '16-mixed'}},
    'at most 64 frames, sampled uniformly':
        {SUPERVISED: {f'{DATA}frames': 'uniform 64', f'{ARCHITECTURE}maximum_frames': 64}},
    'images and frames of 256 x 256':
        {RESNET: {f'{ARCHITECTURE}input_size': (256, 256)}},
    'ViTDet: 2e-4 and 1024 x 1024, all else the same':
        {('opra/vitdet_b',): {f'{OPTIMIZATION}learning_rate': 2e-4,
                              f'{ARCHITECTURE}input_size': (1024, 1024)}},
    'points are blurred by a kernel of sqrt(256 x 256) / 3':
        {('blur',): {'kernel': 85}},
    'encoders begin with COCO detection weights':
        {tuple(name for name in RESNET if name != 'opra/r50_finetune'):
            {'model.backbone_weights': 'coco'},
         ('opra/vitdet_b',): {'model.backbone_weights': 'mask_rcnn_vitdet_b_coco.pkl'}},
    'no gradient clipping and no augmentation are named':
        {ALL: {'trainer.gradient_clip_val': None},
         SUPERVISED: {'trainer.callbacks': None,
                      f'{DATA}augmentation.flip.probability': 0.0,
                      f'{DATA}augmentation.image.perspective.distortion': 0.0,
                      f'{DATA}augmentation.image.crop.scale': [1.0, 1.0]}},
    'pre-training: batches of 32, clips of 32 frames':
        {PRETRAINED: {f'{DATA}batch_size': 32, f'{DATA}frames': 32}},
    'ResNet-50-Deconv':
        {('opra/r50_deconv',): {f'{ARCHITECTURE}decoder': 'deconvolution',
                                f'{ARCHITECTURE}image_levels': ('p4',)}},
}  # fmt: skip
"""Values of configurations, by their names, by what the paper says."""


def values_of(name: str) -> Mapping[str, Any]:
    """Of a configuration, or of what is no configuration."""
    if name == 'afformer mine':
        arguments = vars(build_parser().parse_args(['mine', 'videos', '--output', 'mined']))
        assert arguments['minimum_score'] is None
        return {**arguments, 'interaction_score': INTERACTION_SCORE}
    if name == 'blur':
        return {'kernel': blur_kernel_size(256, 256)}
    return resolved(name)


def rows() -> list[list[str]]:
    """The cells of the rows of docs/research/paper.md: section, text, verdict and file."""
    lines = (PAGE / 'paper.md').read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip('|').split('|')] for line in lines if '|' in line
    ]
    assert cells[0] == ['paper', 'it says', 'here', 'where']
    return cells[2:]


ROWS = rows()


def test_the_page_has_all_rows() -> None:
    assert Counter(verdict for _, _, verdict, _ in ROWS) == COUNTS
    assert TOLD.keys() | VALUES.keys() <= {text for _, text, _, _ in ROWS}


@pytest.mark.parametrize('text', VALUES)
def test_configurations_have_the_papers_values(text: str) -> None:
    for names, expected in VALUES[text].items():
        for name in names:
            found = values_of(name)
            assert {key: found.get(key) for key in expected} == dict(expected), name


@pytest.mark.parametrize(('section', 'text', 'verdict', 'where'), ROWS)
def test_what_is_here_is_where_it_is_said_to_be(
    section: str, text: str, verdict: str, where: str
) -> None:
    told = TOLD.get(text)
    linked = re.fullmatch(r'\[(.*)\]\((.*)\)', where)
    if linked is None:
        assert (verdict, told) == ('not here', None), section
        return
    path = PAGE / linked[2]
    assert path.resolve() == ROOT / linked[1]
    assert path.exists(), where
    assert verdict == 'same' or told
    if told:
        assert told in plain(path.read_text())


def plain(text: str) -> str:
    """Text without the signs of comments and with one blank between words."""
    return ' '.join(re.sub(r'^\s*#', '', text, flags=re.MULTILINE).split())


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

# SPDX-License-Identifier: Apache-2.0
"""Tables of the measures of models and baselines on pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from afformer_core.offline.evaluation.metrics import MEASURES, Estimates
from afformer_core.offline.evaluation.pairs.pair_measures import (
    CONSTANT_ACTION,
    MODEL,
    RANDOM_ELEMENT,
    guesses,
)
from afformer_core.offline.evaluation.protocols import ProtocolRow
from afformer_core.offline.reports.bootstrap import interval_note
from afformer_core.offline.reports.tables import Cell, Table
from afformer_core.runtime.calibrations import PresenceCalibration
from afformer_core.stream.settings import StreamSettings

TITLES = {
    **{name: measure.title for name, measure in MEASURES.items()},
    'top_1': 'Top-1',
    'balanced_accuracy': 'balanced accuracy',
    'which_button': 'which-button accuracy',
}
"""Headings of measures by name."""

INTERVAL_NOTE = interval_note('scenes (images if the data names none)')

_HEATMAPS = ('kld', 'sim', 'auc_j')
_PEAKS = ('hit_rate', 'peak_error_mean', 'peak_error_median')
_PEAK_NOTE = (
    'hit rate: share of best peaks in the annotated region, where the ground truth is above half '
    'of its maximum (the positives of AUC-J). peak error: from the best peak to the nearest '
    "annotated point, in percent of the image's diagonal. For a predictor with several equal "
    'maxima, the value is the mean over them.'
)


def predictor_tables(
    protocol: str,
    predictors: Mapping[str, Estimates],
    labels: Mapping[str, str],
    rows: Sequence[ProtocolRow],
    notes: Sequence[str] = (),
) -> list[Table]:
    """Build the tables with a row for each predictor: accuracy, best peak, and buttons.

    Args:
        protocol: name of the rows' protocol.
        predictors: measures by name.
        labels: labels of their rows.
        rows: the measured rows.
        notes: further sentences below the first table.
    """

    def labelled(*left_out: str) -> dict[str, Estimates]:
        return {labels[name]: own for name, own in predictors.items() if name not in left_out}

    first = f'KLD (lower is better), SIM, AUC-J: protocol "{protocol}".'
    tables = [
        Table.of(
            'Accuracy',
            _headings(*_HEATMAPS, 'top_1', 'balanced_accuracy'),
            labelled(RANDOM_ELEMENT),
            (first, INTERVAL_NOTE, *notes),
        )
    ]
    columns: tuple[str, ...] = _PEAKS
    peak_notes = [_PEAK_NOTE]
    if RANDOM_ELEMENT in predictors:
        columns = (*_PEAKS, 'peak_inside', 'nearest')
        peak_notes.append(
            'peak inside: share of best peaks inside the demonstrated element; nearest: share for '
            'which it is the nearest element.'
        )
    peak_notes.append('The baselines use the highest pixel. ' + INTERVAL_NOTE)
    tables.append(
        Table.of('Best peak', _headings(*columns), labelled(CONSTANT_ACTION), peak_notes)
    )
    with_buttons = [own for own in predictors.values() if own['which_button'] is not None]
    if with_buttons:
        tables.append(_button_table(rows, predictors, labels))
    return tables


def _headings(*names: str) -> dict[str, str]:
    return {name: TITLES[name] for name in names}


def _button_table(
    rows: Sequence[ProtocolRow], predictors: Mapping[str, Estimates], labels: Mapping[str, str]
) -> Table:
    shown = {**labels, RANDOM_ELEMENT: 'a button at random'}
    measured = {
        shown[name]: own for name, own in predictors.items() if own['which_button'] is not None
    }
    chances = guesses(rows)
    return Table.of(
        'Which button?',
        {**_headings('which_button'), 'which_button_above_chance': 'above chance'},
        measured,
        (
            f'{len(chances)} rows with {np.mean(1 / chances):.1f} buttons in the image on '
            'average; chance is one divided by the number of buttons.',
            'The chosen button is the one whose box contains the best peak or is nearest to it; a '
            'heatmap with several equal maxima chooses at random.',
            INTERVAL_NOTE,
        ),
    )


def model_tables(
    measures: Estimates, protocol: str, calibration: PresenceCalibration | None
) -> list[Table]:
    """Build the tables of the model alone: negative demonstrations, absent elements, actions.

    Args:
        measures: measures of the model.
        protocol: name of the rows' protocol.
        calibration: calibration of the measurement, or None.
    """
    tables = []
    if measures['demonstration_use'] is not None:
        tables.append(_demonstration_table(measures['demonstration_use']))
    if measures['abstention'] is not None:
        tables.append(_abstention_table(measures['abstention'], calibration))
    first = f'Protocol "{protocol}"; lower is better only for KLD and the peak error.'
    rows = {'all': measures['predictors'][MODEL], **measures['by_action']}
    columns = {'rows': 'rows', **_headings(*_HEATMAPS, *_PEAKS)}
    tables.append(Table.of('By action', columns, rows, (first, INTERVAL_NOTE)))
    return tables


def _demonstration_table(use: Estimates) -> Table:
    return Table.of(
        'Does the demonstration determine the answer?',
        {
            'kld': 'KLD',
            'peak_in_own_region': 'peak in its region',
            'peak_in_other_region': 'peak in the other region',
        },
        {
            'its own demonstration': use['own'],
            'another demonstration': use['hard_negative'],
            'rise in KLD': {'kld': use['kld_rise']},
        },
        (
            f'{use["pairs"]} pairs; KLD against the original ground truth. The other '
            'demonstration shows another element of the image or, if elements are not known, a '
            'point at a distance of at least a tenth of the diagonal; the peak of a model that '
            'follows it lies there. Peaks are those of the best action of the model.',
        ),
    )


def _abstention_table(abstention: Estimates, calibration: PresenceCalibration | None) -> Table:
    known = abstention['of_scenes']
    region, other = ('inside', 'scene') if known else ('in the region', 'image')
    areas: dict[str, Cell] = {f'auroc_{name}': v for name, v in abstention['auroc'].items()}
    rule = (
        f"presence at least {calibration.threshold:.3f}, the model's own threshold"
        if (calibration is not None)
        else (
            f'confidence at least {StreamSettings().minimum_confidence} and feature similarity at '
            f'least {StreamSettings().minimum_feature_similarity}'
        )
    )
    return Table.of(
        'Are absent elements detected?',
        {
            'pairs': 'pairs',
            'found': 'found',
            'median_confidence': 'median confidence',
            'median_feature_similarity': 'median feature similarity',
            **{f'auroc_{n}': f'AUROC of {n.replace("_", " ")}' for n in abstention['auroc']},
        },
        {
            f'its own demonstration, peak {region}': abstention['own_right'],
            'its own demonstration': abstention['own'],
            f"another {other}'s demonstration": {**abstention['negative'], **areas},
        },
        (
            f'found: {rule}, the default on a robot. AUROC: area under the ROC '
            'curve of the distinction of the own demonstration from another.',
        ),
    )

# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer simulate`: what each layout takes, and what it makes of it."""

import json
from pathlib import Path

import pytest

from afformer_core.cli.main import build_parser, main
from afformer_sim.cli.simulate import options_of


def options(*arguments: str) -> dict[str, object]:
    return options_of(build_parser().parse_args(['simulate', 'out', *arguments]))


def test_defaults_depend_on_the_layout() -> None:
    assert options()['scenes'] == 2100
    assert options('--layout', 'hands', '--scenes', '7') == {
        'processes': 1,
        'scenes': 7,
        'demonstrations': 2,
        'longest_side': 256,
    }
    assert options('--rgbd-bag', '--size', '64x48') == {'seconds': 4.0, 'size': (64, 48)}


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--layout', 'hands', '--frames', '4'), '--layout hands does not use --frames'),
        (('--seconds', '4'), '--layout opra does not use --seconds'),
        (('--rgbd-bag', '--targets', '4'), '--rgbd-bag does not use --targets'),
    ],
)
def test_what_a_layout_has_no_use_for_is_refused(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['simulate', str(tmp_path / 'out'), *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_hands_are_in_a_list_as_100doh_calls_it(tmp_path: Path) -> None:
    asked = ['--layout', 'hands', '--scenes', '1', '--demonstrations', '1']
    assert main(['simulate', str(tmp_path), *asked, '--longest-side', '32']) == 0
    assert (tmp_path / 'ImageSets' / 'Main' / 'trainval.txt').read_text().startswith('trainval_')
    settings = json.loads((tmp_path / 'simulation.json').read_text())['trainval']
    assert (settings['layout'], settings['seed'], settings['held_out']) == ('hands', 1, False)


def test_a_layout_in_the_folder_of_another_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ['simulate', str(tmp_path), '--scenes', '1', '--longest-side', '32']
    assert main([*asked, '--frames', '1', '--targets', '1', '--demonstrations', '1']) == 0
    assert main([*asked, '--layout', 'hands', '--split', 'train']) == 1
    assert "holds a split 'train' made with" in capsys.readouterr().err

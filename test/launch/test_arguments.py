# SPDX-License-Identifier: Apache-2.0
"""`ros2 launch --show-args` tells a person what every argument is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip(
    'launch_ros',
    reason='launch_ros is not installed; PyPI has no wheel of it',
    exc_type=ImportError,
)


@pytest.mark.parametrize('name', ['ground', 'play', 'replay', 'two_cameras'])
def test_every_argument_is_described_in_a_sentence(root: Path, name: str) -> None:
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    source = PythonLaunchDescriptionSource(str(root / 'launch' / f'{name}.launch.py'))
    description = source.try_get_launch_description_without_context()
    arguments = description.get_launch_arguments()
    assert len(arguments) >= 10
    for argument in arguments:
        # launch itself adds the choices to the description.
        sentence = re.match(r'[A-Z].{15,}\.( Valid choices|$)', argument.description)
        assert sentence, f'{argument.name}: {argument.description!r}'

# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node for recording, storing and loading demonstrations."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from afformer_core.demonstrations.recording import RecordingSettings
from afformer_ros.parameter_fields import parameter

MESSAGE_TYPES = ('auto', 'raw', 'compressed')


@dataclass(frozen=True)
class DemonstrationParameters:
    """The parameters of demonstrations; each text is the ROS description."""

    demonstration_type: str = parameter(
        'auto',
        'Type of the messages on demonstration: raw, compressed, or auto, as for image_type',
        choices=MESSAGE_TYPES,
        change='unconfigured',
    )
    trim_demonstrations: bool = parameter(
        True,
        'Whether a recording is trimmed to the part in which hands are visible or, if none '
        'are, something moves',
        change='unconfigured',
    )
    recording_queue: int = parameter(
        60,
        'Maximum number of frames of a demonstration that wait to be encoded. Further frames '
        'are dropped and reported',
        limits=(1, 10000),
        change='unconfigured',
    )
    maximum_recording_seconds: float = parameter(
        120.0,
        'Maximum duration of a recording in seconds. A longer recording is finished automatically',
        limits=(0.1, 86400.0),
    )
    store_folder: str = parameter(
        '',
        'Folder of finished demonstrations. Empty: $ROS_HOME/afformer/demonstrations, where '
        'ROS_HOME is ~/.ros if unset',
        change='never',
    )
    demonstration_folders: tuple[str, ...] = parameter(
        ('',),
        'Folders below which load_demonstration may read. Empty strings are ignored. Without '
        'a folder, load_demonstration reads nothing',
        change='never',
    )

    @property
    def recording_settings(self) -> RecordingSettings:
        """Settings of recordings."""
        return RecordingSettings(trim=self.trim_demonstrations)

    @property
    def store_path(self) -> Path:
        """Folder of finished demonstrations."""
        if self.store_folder:
            return Path(self.store_folder).expanduser()
        home = os.environ.get('ROS_HOME') or '~/.ros'
        return Path(home).expanduser() / 'afformer' / 'demonstrations'

    @property
    def readable_folders(self) -> tuple[Path, ...]:
        """Folders from which demonstrations may be read, resolved."""
        return tuple(Path(one).expanduser().resolve() for one in self.demonstration_folders if one)

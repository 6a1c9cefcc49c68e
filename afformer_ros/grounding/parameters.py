# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node: names, defaults, ranges and descriptions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rclpy.qos import QoSPresetProfiles, QoSProfile

from afformer_core.geometry.camera import RECTIFICATIONS
from afformer_core.runtime.backends import BACKENDS, PRECISIONS
from afformer_core.stream.settings import PipelineSettings
from afformer_ros.parameter_fields import parameter
from afformer_ros.topic_subscription import InputQuality

MESSAGE_TYPES = ('auto', 'raw', 'compressed')
GOAL_POLICIES = ('queue', 'refuse', 'replace')
# The names of NVIDIA Isaac ROS.
PROFILES = ('SENSOR_DATA', 'DEFAULT', 'SYSTEM_DEFAULT')
FOLLOWING = 'AUTO'


@dataclass(frozen=True)
class ModelParameters:
    """The parameters of the model; each text is the ROS description."""

    model: str = parameter(
        '', 'Folder of the model. Empty: the model shipped with the package', change='unconfigured'
    )
    backend: str = parameter(
        'auto',
        'Backend that computes the model: torch, onnxruntime or openvino on the CPU; torch-cuda, '
        'onnxruntime-cuda or tensorrt on an NVIDIA GPU; or auto (an installed one that runs '
        'the exported graphs without engines to compile: onnxruntime-cuda, openvino in bf16 or '
        'onnxruntime; otherwise torch)',
        choices=BACKENDS,
        change='unconfigured',
    )
    precision: str = parameter(
        'auto',
        'Precision of the model: fp32, fp16, bf16, or auto (fp32; bf16 where backend auto '
        'is openvino; with tensorrt fp16 if graphs in fp16 were exported)',
        choices=PRECISIONS,
        change='unconfigured',
    )
    wait_for_engine: bool = parameter(
        False,
        'Whether nothing is grounded until the engines of tensorrt are compiled. If false, '
        'the CPU grounds meanwhile, and permanently if the engines cannot be used',
        change='unconfigured',
    )
    threads: int = parameter(
        0,
        'Number of threads that compute the model. 0: the backend chooses',
        limits=(0, 256),
        change='unconfigured',
    )
    maximum_stages: int = parameter(
        8,
        'Maximum number of groundings of an image: one of the whole image, then one for each '
        'zoom stage of the model, of which the shipped model has two. With fewer, an image '
        'takes less time, and the peak and the action are right less often',
        limits=(1, 8),
        change='unconfigured',
    )


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
    def store_path(self) -> Path:
        """Folder of finished demonstrations."""
        if self.store_folder:
            return Path(self.store_folder).expanduser()
        home = os.environ.get('ROS_HOME') or '~/.ros'
        return Path(home).expanduser() / 'afformer' / 'demonstrations'

    @property
    def readable_folders(self) -> tuple[Path, ...]:
        """Folders from which demonstrations may be read, resolved."""
        return tuple(
            Path(folder).expanduser().resolve() for folder in self.demonstration_folders if folder
        )


@dataclass(frozen=True)
class ActionParameters:
    """The parameters of the actions; each text is the ROS description."""

    goal_policy: str = parameter(
        'queue',
        'Treatment of a goal of ground_demonstration while another goal is open: it waits '
        'for its turn (queue), is refused (refuse), or ends the others (replace)',
        choices=GOAL_POLICIES,
    )
    agreeing_images: int = parameter(
        3,
        'Number of images in a row whose best points must agree before a goal of '
        'ground_demonstration succeeds, unless the goal sets its own number',
        limits=(1, 1000),
    )
    action_timeout: float = parameter(
        10.0,
        'Maximum time from the acceptance of a goal of ground_demonstration to its result, '
        'in seconds, unless the goal sets its own timeout',
        limits=(0.1, 86400.0),
    )
    maximum_image_age: float = parameter(
        5.0,
        'Maximum age of an image that counts for a goal of ground_demonstration, in seconds '
        'from its stamp to its result by the clock of the node, unless the goal sets its own '
        'maximum_age. An image whose stamp is further ahead of the clock does not count '
        'either. 0: any age',
        limits=(0.0, 3600.0),
    )


@dataclass(frozen=True)
class GroundingParameters(
    PipelineSettings, ActionParameters, DemonstrationParameters, ModelParameters
):
    """All parameters of the node `grounding` except the QoS; each text is the ROS description."""

    selected_demonstration: str = parameter(
        '',
        'Stored demonstration that the node selects when it is configured, or several of one '
        'skill joined by +. Empty: the last selection of the node, or none until a service '
        'selects one',
        change='unconfigured',
    )
    lazy: bool = parameter(
        True, 'Whether the node ignores images while no result has a subscriber'
    )
    image_type: str = parameter(
        'auto',
        'Type of the messages on image: raw (sensor_msgs/Image), compressed '
        '(sensor_msgs/CompressedImage), or auto (the type that the publisher sends)',
        choices=MESSAGE_TYPES,
        change='unconfigured',
    )
    image_rectification: str = parameter(
        'auto',
        'Whether image is rectified (points follow P of camera_info) or distorted (K and D). '
        'auto: rectified if a part of the topic name begins with image_rect',
        choices=RECTIFICATIONS,
        change='unconfigured',
    )
    depth_type: str = parameter(
        'auto',
        'Type of the messages on depth: raw, compressed (compressedDepth), or auto, as for '
        'image_type',
        choices=MESSAGE_TYPES,
        change='unconfigured',
    )
    target_frame: str = parameter(
        '',
        'Frame of all positions, looked up in tf2 at the stamp of the image. Empty: the '
        'frame of the image',
        change='unconfigured',
    )
    vertical_frame: str = parameter(
        '',
        'Frame whose z axis points up, such as base_link, which determines the motion of '
        'pick up and put down. Empty: target_frame',
        change='unconfigured',
    )
    maximum_latency: float = parameter(
        0.5,
        'Seconds from the stamp of an image to its result above which the diagnostics warn. '
        '0: never',
        limits=(0.0, 3600.0),
    )
    latency_window: float = parameter(
        10.0,
        'Seconds over which /diagnostics reports medians and percentiles of the latencies',
        limits=(1.0, 3600.0),
        change='unconfigured',
    )
    diagnostics_period: float = parameter(
        1.0,
        'Seconds between two messages on /diagnostics',
        limits=(0.1, 60.0),
        change='unconfigured',
    )

    transport_loss_timeout: float = parameter(
        5.0,
        'Seconds for which no message reaches the node, because Fast DDS removed its shared '
        'memory, before its process ends with status 75 to be restarted. 0: never',
        limits=(0.0, 3600.0),
    )


def _profile(topic: str, *, follows: bool = False) -> str:
    """Declare the quality of a topic, and whether it may follow that of the publishers."""
    auto = 'AUTO (reliable if all publishers offer it, otherwise best effort), ' if follows else ''
    name: str = parameter(
        FOLLOWING if follows else 'DEFAULT',
        f'Quality of service of {topic}: {auto}SENSOR_DATA (best effort), DEFAULT (reliable) or '
        'SYSTEM_DEFAULT',
        choices=(FOLLOWING, *PROFILES) if follows else PROFILES,
        change='never',
    )
    return name


def _depth(default: int, topic: str) -> int:
    depth: int = parameter(
        default,
        f'Number of messages of {topic} that the middleware keeps',
        limits=(1, 1000),
        change='never',
    )
    return depth


@dataclass(frozen=True)
class QosParameters:
    """The parameters `TOPIC_qos` and `TOPIC_qos_depth`; read when the node starts."""

    # Messages may arrive in bursts, for example after retransmission; with too little depth they
    # replace each other.
    image_qos: str = _profile('image', follows=True)
    image_qos_depth: int = _depth(5, 'image')
    camera_info_qos: str = _profile('camera_info', follows=True)
    camera_info_qos_depth: int = _depth(1, 'camera_info')
    depth_qos: str = _profile('depth', follows=True)
    depth_qos_depth: int = _depth(5, 'depth')
    demonstration_qos: str = _profile('demonstration', follows=True)
    demonstration_qos_depth: int = _depth(30, 'demonstration')
    affordance_qos: str = _profile('affordance')
    affordance_qos_depth: int = _depth(5, 'affordance')
    grasp_candidates_qos: str = _profile('grasp_candidates')
    grasp_candidates_qos_depth: int = _depth(5, 'grasp_candidates')
    affordance_cloud_qos: str = _profile('affordance_cloud')
    affordance_cloud_qos_depth: int = _depth(5, 'affordance_cloud')
    heatmap_qos: str = _profile('heatmap')
    heatmap_qos_depth: int = _depth(5, 'heatmap')
    mask_qos: str = _profile('mask')
    mask_qos_depth: int = _depth(5, 'mask')
    overlay_qos: str = _profile('overlay')
    overlay_qos_depth: int = _depth(5, 'overlay')
    detections_qos: str = _profile('detections')
    detections_qos_depth: int = _depth(5, 'detections')
    markers_qos: str = _profile('markers')
    markers_qos_depth: int = _depth(5, 'markers')

    def profile(self, topic: str) -> QoSProfile:
        """Return the profile of a topic, a new one for each call because rclpy changes it."""
        name = getattr(self, f'{topic}_qos')
        preset = QoSPresetProfiles.get_from_short_key('DEFAULT' if name == FOLLOWING else name)
        return QoSProfile(
            depth=getattr(self, f'{topic}_qos_depth'),
            history=preset.history,
            reliability=preset.reliability,
            durability=preset.durability,
        )

    def input_quality(self, topic: str) -> InputQuality:
        """Return the quality that the subscription to a topic requests."""
        return InputQuality(self.profile(topic), getattr(self, f'{topic}_qos') == FOLLOWING)

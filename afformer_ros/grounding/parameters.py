# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node: names, defaults, ranges and descriptions."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path

from afformer_core.demonstrations.recording import RecordingSettings
from afformer_core.geometry.surface import SurfaceSettings
from afformer_core.outputs.results import OutputSettings
from afformer_core.runtime.backends import BACKENDS, PRECISIONS
from afformer_core.stream.pipeline import PipelineSettings
from afformer_core.stream.settings import StreamSettings
from afformer_core.stream.spatial_inputs import RECTIFICATIONS, is_rectified
from afformer_ros.parameter_fields import constraints_of, parameter

MESSAGE_TYPES = ('auto', 'raw', 'compressed')
GOAL_POLICIES = ('queue', 'refuse', 'replace')


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
class GroundingParameters(ActionParameters, DemonstrationParameters, ModelParameters):
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
    maximum_peaks: int = parameter(
        5, 'Maximum number of peaks of the heatmap that are published as points', limits=(1, 100)
    )
    minimum_candidate_score: float = parameter(
        0.1,
        'Minimum score of a grasp candidate, which is the share of the heatmap around its peak',
        limits=(0.0, 1.0),
    )
    minimum_presence: float = parameter(
        -1.0,
        'Presence, the probability that the image shows the demonstrated element, below which '
        'nothing is found. -1: the calibrated threshold of the model. Applies only to a '
        'calibrated model, for which minimum_confidence and minimum_feature_similarity are '
        'not used',
        limits=(-1.0, 1.0),
    )
    certainty_threshold: float = parameter(
        -1.0,
        'Certainty, the probability that the best point lies on the demonstrated part, below '
        'which no robot should act. -1: the calibrated threshold of the model',
        limits=(-1.0, 1.0),
    )
    minimum_confidence: float = parameter(
        0.2,
        'Share of the heatmap around its best peak below which nothing is found, for a model '
        'that is not calibrated',
        limits=(0.0, 1.0),
    )
    minimum_feature_similarity: float = parameter(
        0.7,
        'Feature similarity between the demonstration and the surroundings of the heatmap '
        'below which nothing is found, for a model that is not calibrated. -1: not checked',
        limits=(-1.0, 1.0),
    )
    minimum_continuity: float = parameter(
        0.75,
        'Feature similarity to the peak that was found before, below which nothing is found. '
        '-1: not checked',
        limits=(-1.0, 1.0),
    )
    release_time: float = parameter(
        5.0,
        'Seconds without a result after which a peak that looks different may be found',
        limits=(0.0, 3600.0),
    )
    hold_time: float = parameter(
        0.5,
        'Seconds for which the last result is held, with its age, while nothing is found',
        limits=(0.0, 60.0),
    )
    smoothing_time: float = parameter(
        0.1,
        'Time constant of the smoothing of the heatmap over time, in seconds. 0: no smoothing',
        limits=(0.0, 60.0),
    )
    scene_cut_threshold: float = parameter(
        0.2,
        'Mean change of the image, as a share of its range, that begins a new scene. 1: never',
        limits=(0.0, 1.0),
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
    depth_tolerance: float = parameter(
        0.02,
        'Maximum difference between the stamps of an image and its depth, in seconds',
        limits=(0.0, 10.0),
    )
    depth_wait: float = parameter(
        0.03, 'Maximum time to wait for the depth of an image, in seconds', limits=(0.0, 1.0)
    )
    depth_noise: float = parameter(
        0.005, 'Standard deviation of depth, as a share of the depth', limits=(0.0001, 0.2)
    )
    nearest_depth: float = parameter(
        0.1, 'Depth in metres below which depth is unknown', limits=(0.001, 1000.0)
    )
    farthest_depth: float = parameter(
        10.0, 'Depth in metres above which depth is unknown', limits=(0.001, 1000.0)
    )
    peak_tolerance: float = parameter(
        0.04,
        'Maximum error of a peak, as a share of the shorter side of the image. If depth is '
        'available, the point lies on the surface that stands out most within this distance '
        'of the peak. 0: on the surface at the peak itself',
        limits=(0.0, 0.25),
    )
    agreement_tolerance: float = parameter(
        0.02,
        'Maximum distance between the best points of images that agree and their mean, as a '
        'share of the diagonal of the image',
        limits=(0.0, 1.0),
    )
    action: str = parameter(
        '',
        'Name of the demonstrated action, such as pull, which determines the direction of '
        'motion. Empty: the best action of the model, or unknown if its score is too low',
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
    pre_grasp_distance: float = parameter(
        0.1,
        'Distance in metres from a grasp candidate back along its approach to its pre-grasp',
        limits=(0.0, 1.0),
    )
    mask_share: float = parameter(
        0.5,
        'Minimum probability of a pixel of mask, as a share of the largest probability, and '
        'of a pixel that counts for grasp_width, as a share of the probability at its point',
        limits=(0.001, 1.0),
    )
    overlay_opacity: float = parameter(
        0.6,
        'Opacity of the heatmap in the overlay where the heatmap is highest',
        limits=(0.0, 1.0),
    )
    cloud_minimum_weight: float = parameter(
        0.05,
        'Minimum probability of a pixel of affordance_cloud, as a share of the largest '
        'probability',
        limits=(0.0, 1.0),
    )
    cloud_maximum_points: int = parameter(
        5000, 'Maximum number of points of affordance_cloud', limits=(1, 1000000)
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

    def __post_init__(self) -> None:
        constraints = constraints_of(type(self))
        for field in fields(self):
            constraints[field.name].check(field.name, getattr(self, field.name))
        # Values that are valid individually may contradict each other.
        _ = self.stream_settings

    @property
    def stream_settings(self) -> StreamSettings:
        """Current settings of the grounding of images."""
        return StreamSettings(
            maximum_peaks=self.maximum_peaks,
            minimum_presence=self.minimum_presence,
            certainty_threshold=self.certainty_threshold,
            minimum_confidence=self.minimum_confidence,
            minimum_feature_similarity=self.minimum_feature_similarity,
            minimum_continuity=self.minimum_continuity,
            release_time=self.release_time,
            smoothing_time=self.smoothing_time,
            hold_time=self.hold_time,
            scene_cut_threshold=self.scene_cut_threshold,
            peak_tolerance=self.peak_tolerance,
            agreement_tolerance=self.agreement_tolerance,
            action=self.action,
            surface=SurfaceSettings(
                noise=self.depth_noise, nearest=self.nearest_depth, farthest=self.farthest_depth
            ),
        )

    def pipeline_settings(self, image_topic: str) -> PipelineSettings:
        """Return the current settings of the pipeline."""
        stream = self.stream_settings
        output = OutputSettings(
            minimum_candidate_score=self.minimum_candidate_score,
            overlay_opacity=self.overlay_opacity,
            cloud_minimum_weight=self.cloud_minimum_weight,
            cloud_maximum_points=self.cloud_maximum_points,
            surface=stream.surface,
            mask_share=self.mask_share,
            pre_grasp_distance=self.pre_grasp_distance,
        )
        rectified = is_rectified(self.image_rectification, image_topic)
        return PipelineSettings(
            stream=stream,
            output=output,
            rectified=rectified,
            depth_tolerance=self.depth_tolerance,
            depth_wait=self.depth_wait,
        )

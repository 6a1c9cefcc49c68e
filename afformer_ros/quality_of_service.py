# SPDX-License-Identifier: Apache-2.0
"""The quality of service of every topic, set by parameters with the names of NVIDIA Isaac ROS."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.qos import (
    QoSCompatibility,
    QoSPresetProfiles,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_check_compatible,
)

from afformer_ros.parameter_fields import parameter

PROFILES = ('SENSOR_DATA', 'DEFAULT', 'SYSTEM_DEFAULT')
FOLLOWING = 'AUTO'


@dataclass(frozen=True)
class InputQuality:
    """The quality of service that a subscription requests.

    Attributes:
        profile: separate profile, because rclpy and the subscription change it.
        follows_publishers: whether the reliability is that of the publishers, or of `profile`
            before there is one.
    """

    profile: QoSProfile
    follows_publishers: bool


def _profile(default: str, topic: str) -> str:
    name: str = parameter(
        default,
        f'Quality of service of {topic}: SENSOR_DATA (best effort), DEFAULT (reliable) or '
        'SYSTEM_DEFAULT',
        choices=PROFILES,
        change='never',
    )
    return name


def _input_profile(topic: str) -> str:
    name: str = parameter(
        FOLLOWING,
        f'Quality of service of {topic}: AUTO (reliable if all publishers offer it, otherwise '
        'best effort), SENSOR_DATA (best effort), DEFAULT (reliable) or SYSTEM_DEFAULT',
        choices=(FOLLOWING, *PROFILES),
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
    image_qos: str = _input_profile('image')
    image_qos_depth: int = _depth(5, 'image')
    camera_info_qos: str = _input_profile('camera_info')
    camera_info_qos_depth: int = _depth(1, 'camera_info')
    depth_qos: str = _input_profile('depth')
    depth_qos_depth: int = _depth(5, 'depth')
    demonstration_qos: str = _input_profile('demonstration')
    demonstration_qos_depth: int = _depth(30, 'demonstration')
    affordance_qos: str = _profile('DEFAULT', 'affordance')
    affordance_qos_depth: int = _depth(5, 'affordance')
    grasp_candidates_qos: str = _profile('DEFAULT', 'grasp_candidates')
    grasp_candidates_qos_depth: int = _depth(5, 'grasp_candidates')
    affordance_cloud_qos: str = _profile('DEFAULT', 'affordance_cloud')
    affordance_cloud_qos_depth: int = _depth(5, 'affordance_cloud')
    heatmap_qos: str = _profile('DEFAULT', 'heatmap')
    heatmap_qos_depth: int = _depth(5, 'heatmap')
    mask_qos: str = _profile('DEFAULT', 'mask')
    mask_qos_depth: int = _depth(5, 'mask')
    overlay_qos: str = _profile('DEFAULT', 'overlay')
    overlay_qos_depth: int = _depth(5, 'overlay')
    detections_qos: str = _profile('DEFAULT', 'detections')
    detections_qos_depth: int = _depth(5, 'detections')
    markers_qos: str = _profile('DEFAULT', 'markers')
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


def mismatch(topic: str, publisher: str, offered: QoSProfile, requested: QoSProfile) -> str:
    """Explain why no message arrives from a publisher, and what to do; empty if all arrive.

    Args:
        topic: short name, as in the parameters.
        publisher: name of its node.
        offered: quality that the publisher offers.
        requested: quality that the subscription requests.
    """
    compatibility, reason = qos_check_compatible(offered, requested)
    if compatibility != QoSCompatibility.ERROR:
        return ''
    if (
        offered.reliability == QoSReliabilityPolicy.BEST_EFFORT
        and requested.reliability == QoSReliabilityPolicy.RELIABLE
    ):
        return (
            f'{publisher} offers {topic} with BEST_EFFORT; expected RELIABLE. '
            f'Set {topic}_qos to AUTO or SENSOR_DATA'
        )
    return f'the quality of service of {publisher} does not fit {topic}: {reason.rstrip()}'

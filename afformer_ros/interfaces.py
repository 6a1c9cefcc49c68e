# SPDX-License-Identifier: Apache-2.0
"""The services and actions of the grounding node, by their names below its own."""

from __future__ import annotations

from afformer_ros.action import GroundDemonstration, LoadDemonstration, RecordDemonstration
from afformer_ros.srv import (
    DeleteDemonstration,
    FinishDemonstration,
    GetDemonstrationFrame,
    ListDemonstrations,
    MarkContact,
    SelectDemonstration,
    StartDemonstration,
)
from afformer_ros.srv import LoadDemonstration as LoadService

SERVICES = {
    'start_demonstration': StartDemonstration,
    'finish_demonstration': FinishDemonstration,
    'load_demonstration': LoadService,
    'select_demonstration': SelectDemonstration,
    'list_demonstrations': ListDemonstrations,
    'delete_demonstration': DeleteDemonstration,
    'get_demonstration_frame': GetDemonstrationFrame,
    'mark_contact': MarkContact,
}
ACTIONS = {
    'ground_demonstration': GroundDemonstration,
    'record_demonstration': RecordDemonstration,
    'load_demonstration': LoadDemonstration,
}

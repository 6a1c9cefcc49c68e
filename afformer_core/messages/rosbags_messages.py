# SPDX-License-Identifier: Apache-2.0
"""Messages of ROS 2 and of this package in the rosbags library, without ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from afformer_core.errors import AfformerError
from afformer_core.files.paths import PACKAGE, share_folders
from afformer_core.messages.factory import MessageFactory

# Defaults in message definitions, which rosbags drops.
_DECLARED_DEFAULTS = {'geometry_msgs/msg/Quaternion': {'w': 1.0}}


def affordance_typestore() -> Typestore:
    """Return the message types of ROS 2 and of this package.

    Raises:
        AfformerError: the definitions of this package's messages are not found.
    """
    typestore = get_typestore(Stores.LATEST)
    types: dict[str, Any] = {}
    for path in sorted(_definitions_folder().glob('*.msg')):
        types.update(get_types_from_msg(path.read_text(), f'{PACKAGE}/msg/{path.stem}'))
    typestore.register(types)
    return typestore


class RosbagsMessages(MessageFactory):
    """A factory of messages that rosbags writes.

    Args:
        typestore: store of the types of the messages, such as `affordance_typestore()`.
    """

    def __init__(self, typestore: Typestore) -> None:
        self._typestore = typestore

    def create(self, type_name: str, **fields: Any) -> Any:
        """Create a message; see `MessageFactory`.

        Raises:
            AfformerError: there is no such type.
        """
        if type_name not in self._typestore.fielddefs:
            raise AfformerError(
                f'there is no message type {type_name!r}; give one such as geometry_msgs/msg/Point'
            )
        declared = _DECLARED_DEFAULTS.get(type_name, {})
        for name, definition in self._typestore.fielddefs[type_name][1]:
            if name not in fields:
                fields[name] = declared.get(name, self._default(definition))
        return self._typestore.types[type_name](**fields)

    def _default(self, definition: Any) -> Any:
        kind, description = definition
        if kind == Nodetype.NAME:
            return self.create(description)
        if kind == Nodetype.BASE:
            return _zero(description[0])
        (item_kind, item), length = description
        count = length if kind == Nodetype.ARRAY else 0
        if item_kind == Nodetype.NAME:
            return [self.create(item) for _ in range(count)]
        if item[0] == 'string':
            return [''] * count
        return np.zeros(count, _dtype(item[0]))


def _zero(base: str) -> Any:
    if base == 'string':
        return ''
    return np.zeros((), _dtype(base)).item()


def _dtype(base: str) -> np.dtype[Any]:
    return np.dtype({'byte': 'uint8', 'octet': 'uint8', 'char': 'uint8'}.get(base, base))


def _definitions_folder() -> Path:
    candidates = [folder / 'msg' for folder in share_folders()]
    for folder in candidates:
        if (folder / 'Affordance.msg').is_file():
            return folder
    tried = ', '.join(map(str, candidates))
    raise AfformerError(
        f'the messages of {PACKAGE} are defined in none of {tried}; '
        'source the workspace in which the package was built'
    )

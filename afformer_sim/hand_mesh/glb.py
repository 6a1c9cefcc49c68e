# SPDX-License-Identifier: Apache-2.0
"""Reader of a skinned mesh in a binary glTF file (Khronos glTF 2.0, sections 3 and 4.4)."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_HEADER = struct.Struct('<4sII')
_CHUNK = struct.Struct('<I4s')
_COMPONENTS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {'SCALAR': 1, 'VEC2': 2, 'VEC3': 3, 'VEC4': 4, 'MAT4': 16}


@dataclass(frozen=True)
class SkinnedMesh:
    """Triangle mesh whose vertices follow joints.

    Attributes:
        vertices, normals: float64 [V, 3] at rest.
        coordinates: float64 [V, 2], texture coordinates, (0, 0) at the image's top left.
        faces: int64 [F, 3], indices of vertices, counter-clockwise from outside.
        weights: float64 [V, J], share of each joint in a vertex; rows sum to 1.
        joints: names of the joints.
        rest: float64 [J, 4, 4], pose of each joint at rest.

    Raises:
        ValueError: the shapes do not match.
    """

    vertices: np.ndarray
    normals: np.ndarray
    coordinates: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    joints: tuple[str, ...]
    rest: np.ndarray

    def __post_init__(self) -> None:
        count, joints = len(self.vertices), len(self.joints)
        shapes = [self.normals.shape, self.coordinates.shape, self.weights.shape, self.rest.shape]
        if shapes != [(count, 3), (count, 2), (count, joints), (joints, 4, 4)]:
            raise ValueError(
                f'normals, coordinates, weights and rest have shapes {shapes}; they do not fit '
                f'{count} vertices and {joints} joints'
            )


def read_skinned_mesh(path: Path) -> SkinnedMesh:
    """Read the first mesh of a binary glTF file, and its skin.

    Raises:
        ValueError: the file is not a binary glTF, or has no skinned mesh.
    """
    document, binary = _read_chunks(path)
    if not document.get('skins') or not document.get('meshes'):
        raise ValueError(f'{path} has no skinned mesh; expected one mesh with a skin')
    primitive = document['meshes'][0]['primitives'][0]
    skin = document['skins'][0]

    def array(accessor: int) -> np.ndarray:
        return _read_accessor(document, binary, accessor)

    attributes = {name: array(index) for name, index in primitive['attributes'].items()}
    vertices = attributes['POSITION'].astype(np.float64)
    weights = np.zeros((len(vertices), len(skin['joints'])))
    rows = np.arange(len(vertices))[:, None]
    np.add.at(weights, (rows, attributes['JOINTS_0']), attributes['WEIGHTS_0'])
    inverse = array(skin['inverseBindMatrices']).astype(np.float64)
    return SkinnedMesh(
        vertices=vertices,
        normals=attributes['NORMAL'].astype(np.float64),
        coordinates=attributes['TEXCOORD_0'].astype(np.float64),
        faces=array(primitive['indices']).astype(np.int64).reshape(-1, 3),
        weights=weights / weights.sum(axis=1, keepdims=True),
        joints=tuple(document['nodes'][index]['name'] for index in skin['joints']),
        rest=np.linalg.inv(inverse.reshape(-1, 4, 4).transpose(0, 2, 1)),
    )


def _read_chunks(path: Path) -> tuple[dict[str, Any], bytes]:
    content = path.read_bytes()
    if len(content) < _HEADER.size or content[:4] != b'glTF':
        raise ValueError(f'{path} does not begin with glTF; expected a binary glTF file')
    chunks: dict[bytes, bytes] = {}
    position = _HEADER.size
    while position < len(content):
        length, kind = _CHUNK.unpack_from(content, position)
        position += _CHUNK.size
        chunks[kind] = content[position : position + length]
        position += length
    return json.loads(chunks[b'JSON']), chunks[b'BIN\x00']


def _read_accessor(document: dict[str, Any], binary: bytes, index: int) -> np.ndarray:
    accessor = document['accessors'][index]
    view = document['bufferViews'][accessor['bufferView']]
    width = _WIDTHS[accessor['type']]
    start = view.get('byteOffset', 0) + accessor.get('byteOffset', 0)
    kind = _COMPONENTS[accessor['componentType']]
    values = np.frombuffer(binary, kind, accessor['count'] * width, start)
    return values.reshape(accessor['count'], width)

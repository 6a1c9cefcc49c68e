# SPDX-License-Identifier: Apache-2.0
"""Hand of meshes in the physically based renderer."""

from __future__ import annotations

from typing import Any

import numpy as np

from afformer_sim.filament.filament_context import filament_context, image_texture
from afformer_sim.hand_mesh.posed_hand import PosedHand, Surface, hand_topologies
from afformer_sim.hand_mesh.skin_texture import paint_arm, paint_hand, paint_sleeve

# Share of metal and roughness of each surface.
_FINISHES = {
    'hand': (0.0, 0.55),
    'arm': (0.0, 0.6),
    'sleeve': (0.0, 0.95),
    'strap': (0.0, 0.5),
    'dial': (1.0, 0.15),
    'ring': (1.0, 0.25),
}
_PAINTERS = {'hand': paint_hand, 'arm': paint_arm, 'sleeve': paint_sleeve}
_METAL = {'dial': (0.75, 0.76, 0.78), 'ring': (0.83, 0.70, 0.40)}


class FilamentHand:
    """Meshes of one person's hand, whose vertices follow its poses.

    Args:
        hand: a pose of the hand, with its look and its side.
    """

    def __init__(self, hand: PosedHand) -> None:
        mjrf, context = filament_context()
        self._style, self._left = hand.style, hand.left
        self._meshes: dict[str, tuple[Any, Any, np.ndarray]] = {}
        self._renderables = []
        self._textures: list[Any] = []
        for name in hand.surfaces:
            topology = hand_topologies()[name]
            # a right hand is a mirrored left hand, but its clothes are not mirrored
            mirrored = name == 'hand' and not hand.left
            faces = topology.faces[:, ::-1] if mirrored else topology.faces
            layout = _layout(len(topology.coordinates), faces.size)
            mesh = context.create_mesh(layout)
            self._meshes[name] = (mesh, layout, faces)
            # a renderable needs a mesh with vertices
            _upload(mesh, layout, hand.surfaces[name], topology.coordinates, faces)
            renderable = context.create_renderable(
                mjrf.RenderableParams(cast_shadow=True, receive_shadow=True)
            )
            renderable.set_mesh(mesh, 0, faces.size)
            renderable.set_material(self._material(name))
            self._renderables.append(renderable)

    def is_of(self, hand: PosedHand) -> bool:
        """Check whether another pose belongs to the same hand."""
        return (self._style, self._left) == (hand.style, hand.left)

    def pose(self, hand: PosedHand) -> None:
        """Move the meshes to another pose of the same hand."""
        for name, (mesh, layout, faces) in self._meshes.items():
            coordinates = hand_topologies()[name].coordinates
            _upload(mesh, layout, hand.surfaces[name], coordinates, faces)

    def add_to(self, scene: Any) -> None:
        """Show the hand in a scene of the renderer."""
        for renderable in self._renderables:
            scene.add_renderable(renderable)

    def remove_from(self, scene: Any) -> None:
        """Take the hand out of a scene."""
        for renderable in self._renderables:
            scene.remove_renderable(renderable)

    def _material(self, name: str) -> Any:
        mjrf, _ = filament_context()
        material = mjrf.Material()
        material.metallic, material.roughness = _FINISHES[name]
        material.color = np.ones(4, np.float32)
        if name in _PAINTERS:
            texture = image_texture(_PAINTERS[name](self._style))
            self._textures.append(texture)
            material.color_texture = texture
        else:
            colour = _METAL.get(name, self._style.watch or (0.2, 0.2, 0.2))
            material.color = np.array([*colour, 1], np.float32)
        return material


def _layout(vertices: int, indices: int) -> Any:
    mjrf, _ = filament_context()
    usage, kind = mjrf.VertexAttributeUsage, mjrf.VertexAttributeType
    three, two = kind.VERTEX_ATTRIBUTE_TYPE_FLOAT3, kind.VERTEX_ATTRIBUTE_TYPE_FLOAT2
    return mjrf.MeshConfig(
        max_vertices=vertices,
        max_indices=indices,
        attributes=[
            mjrf.VertexAttribute(usage.VERTEX_ATTRIBUTE_USAGE_POSITION, three),
            mjrf.VertexAttribute(usage.VERTEX_ATTRIBUTE_USAGE_NORMAL, three),
            mjrf.VertexAttribute(usage.VERTEX_ATTRIBUTE_USAGE_UV, two),
        ],
        interleaved=False,
        index_type=mjrf.IndexType.INDEX_TYPE_U16,
    )


def _upload(
    mesh: Any, layout: Any, surface: Surface, coordinates: np.ndarray, faces: np.ndarray
) -> None:
    mjrf, _ = filament_context()
    data = mjrf.MeshData()
    parts = (surface.vertices, surface.normals, coordinates)
    vertices = np.concatenate([part.ravel() for part in parts]).astype('<f4')
    data.set_vertices(layout, vertices.tobytes())
    data.set_indices(layout, faces.astype('<u2').tobytes())
    # the bounds stay those of the first upload, so they hold everywhere
    data.bounds_min, data.bounds_max = np.full(3, -5.0), np.full(3, 5.0)
    mesh.upload(data)

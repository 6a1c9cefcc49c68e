# SPDX-License-Identifier: Apache-2.0
"""MuJoCo model of a fixture and the room around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from afformer_sim.bodies.pose import Pose
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.bodies.solid import Solid
from afformer_sim.scene.hand_skins import SkinXml
from afformer_sim.scene.scene import Scene
from afformer_sim.textures.panel_texture import paint_panel
from afformer_sim.textures.surface_texture import paint_surface

SURFACES = 4
CLUTTER = 6


@dataclass(frozen=True)
class World:
    """Description of a fixture and the room around it.

    Attributes:
        xml: the model, with blank textures.
        files: referenced files by name.
        images: its textures by name, uint8 [H, W, 3] RGB each.
    """

    xml: str
    files: Mapping[str, bytes]
    images: Mapping[str, np.ndarray]

    def compile(self) -> mujoco.MjModel:
        """Build the model."""
        model = mujoco.MjModel.from_xml_string(self.xml, dict(self.files))
        self.paint(model)
        return model

    def paint(self, model: mujoco.MjModel) -> None:
        """Fill the textures of a model that was built from the description."""
        for name, image in self.images.items():
            first = int(model.tex_adr[model.texture(name).id])
            model.tex_data[first : first + image.size] = image.ravel()


def build_model(
    scene: Scene, buffer: tuple[int, int], skins: SkinXml | None = None
) -> mujoco.MjModel:
    """Build the model of a scene's fixture at rest, see `describe_world`."""
    return describe_world(scene, buffer, skins).compile()


def describe_world(scene: Scene, buffer: tuple[int, int], skins: SkinXml | None = None) -> World:
    """Describe the model of a scene's fixture at rest.

    Element i is the mocap body `element_i`, whose frame is the element's own. The geoms `wall`,
    `table` and `clutter_j`, the materials `surface_k`, two lights and the camera `view` are set
    again for each view.

    Args:
        scene: scene to describe.
        buffer: (width, height) of the largest image to be rendered.
        skins: skins for a hand of meshes, see `hand_skins.skins_xml`.
    """
    fixture = scene.fixture
    parts = skins or SkinXml('', '', '', {})
    rng = make_rng(scene.seed, Stream.WORLD, scene.variant)
    images, materials = _surfaces(rng, held_out=scene.held_out)
    fixed = [solid_xml(solid) for solid in fixture.fixed]
    if fixture.panel is not None:
        panel = fixture.panel
        images['panel'] = paint_panel(panel, rng, held_out=scene.held_out)
        materials.append(
            '<material name="panel" texture="panel" texuniform="false" '
            f'specular="{0.5 * panel.shininess:.3f}" shininess="{panel.shininess:.3f}"/>'
        )
        fixed.append(
            f'<geom name="panel" type="box" size="{panel.width / 2} {panel.height / 2} 0.001" '
            'pos="0 0 -0.001" material="panel"/>'
        )
    bodies = [
        f'<body name="element_{i}" mocap="true" {_pose_xml(element.pose)}>'
        f'{"".join(solid_xml(solid) for solid in element.solids)}</body>'
        for i, element in enumerate(fixture.elements)
    ]
    clutter = [
        f'<geom name="clutter_{j}" type="box" size=".02 .02 .02" pos="0 0 -3"/>'
        for j in range(CLUTTER)
    ]
    xml = f"""<mujoco>
<visual>
  <global offwidth="{buffer[0]}" offheight="{buffer[1]}"/>
  <quality offsamples="0" shadowsize="512" numslices="16" numstacks="8"/>
  <map znear="0.02" zfar="20" shadowclip="1.5"/>
</visual>
<statistic extent="1" center="0 0 0"/>
<asset>{''.join([*_blank_textures(images), *materials])}{parts.assets}</asset>
<worldbody>
  <light name="key" pos="0 1 1" dir="0 -1 -1" type="directional" castshadow="true"/>
  <light name="fill" pos="0 1 1" dir="0 -1 -1" type="directional" castshadow="false"/>
  <camera name="view" pos="0 0 1"/>
  <geom name="wall" type="box" size="2.5 2.5 0.01" pos="0 0 {fixture.back - 0.05}"/>
  <geom name="table" type="box" size="1.5 0.01 1" pos="0 {fixture.bottom - 0.01} 0.3"/>
  {''.join([*fixed, *clutter, *bodies])}{parts.bodies}
</worldbody>{parts.deformable}
</mujoco>"""
    return World(xml, parts.files, images)


def solid_xml(solid: Solid) -> str:
    """Describe a solid as one of MuJoCo's geoms."""
    size = ' '.join(f'{value:.6g}' for value in solid.size)
    colour = ' '.join(f'{value:.3f}' for value in solid.colour) + ' 1'
    covered = '' if solid.surface is None else f' material="surface_{solid.surface}"'
    return (
        f'<geom type="{solid.shape.value}" size="{size}" {_pose_xml(solid.pose)} '
        f'rgba="{colour}"{covered}/>'
    )


def _pose_xml(pose: Pose) -> str:
    position = ' '.join(f'{value:.9g}' for value in pose.position)
    quaternion = ' '.join(f'{value:.9g}' for value in pose.quaternion)
    return f'pos="{position}" quat="{quaternion}"'


def _surfaces(
    rng: np.random.Generator, *, held_out: bool
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Paint textures, by name, and describe the materials that show them."""
    images, materials = {}, []
    for k in range(SURFACES):
        images[f'surface_{k}'] = paint_surface(rng, held_out=held_out, side=256)
        repeat = rng.uniform(1, 5)
        materials.append(
            f'<material name="surface_{k}" texture="surface_{k}" specular="0.1" '
            f'texrepeat="{repeat:.2f} {repeat:.2f}" texuniform="false"/>'
        )
    return images, materials


def _blank_textures(images: dict[str, np.ndarray]) -> list[str]:
    # filled in afterwards, because MuJoCo would decode files, which takes longer than painting
    return [
        f'<texture name="{name}" type="2d" builtin="flat" width="{image.shape[1]}" '
        f'height="{image.shape[0]}"/>'
        for name, image in images.items()
    ]

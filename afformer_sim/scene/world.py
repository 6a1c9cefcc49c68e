# SPDX-License-Identifier: Apache-2.0
"""MuJoCo model of a fixture and the room around it, and light and room of each view."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.bodies.solid import Pose, Solid
from afformer_sim.cameras.camera import Camera
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


def describe_world(scene: Scene, buffer: tuple[int, int], skins: SkinXml | None = None) -> World:
    """Describe the model of a scene's fixture at rest.

    Element i is the mocap body `element_i`, whose frame is the element's own. The geoms `wall`,
    `table` and `clutter_j`, the materials `surface_k`, two lights and the camera `view` are set
    again for each view.

    Args:
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


_GEOM = mujoco.mjtGeom
_SHAPES = (_GEOM.mjGEOM_BOX, _GEOM.mjGEOM_CYLINDER, _GEOM.mjGEOM_ELLIPSOID)


@dataclass(frozen=True)
class Lighting:
    """Ambient light and two distant lamps.

    Attributes:
        ambient: [3] RGB.
        directions: [2, 3] unit vectors from the lamps; the first one may cast shadows.
        colours: [2, 3] RGB.
        shadows: True if the first lamp casts shadows.
    """

    ambient: np.ndarray
    directions: np.ndarray
    colours: np.ndarray
    shadows: bool


@dataclass(frozen=True)
class Clutter:
    """Solid that stands or hangs beside the fixture and belongs to no element."""

    shape: int
    position: np.ndarray
    size: np.ndarray
    colour: np.ndarray


@dataclass(frozen=True)
class Surroundings:
    """Wall behind, table below (or none) and clutter beside a fixture."""

    wall: int
    wall_distance: float
    wall_colour: np.ndarray
    table: int | None
    table_colour: np.ndarray
    clutter: tuple[Clutter, ...]


def sample_lighting(rng: np.random.Generator) -> Lighting:
    """Draw light that is bright or dim, warm or cold, from in front and mostly above."""
    warmth = rng.uniform(-0.15, 0.15, 3)
    level = rng.uniform(0.35, 0.75)
    directions = np.array([_lamp(rng), _lamp(rng)])
    colours = np.array([level * (1 + warmth), rng.uniform(0, 0.25) * (1 - warmth)])
    return Lighting(
        ambient=rng.uniform(0.2, 0.45) * (1 + rng.uniform(-0.08, 0.08, 3)),
        directions=directions,
        colours=colours,
        shadows=bool(rng.random() < 0.6),
    )


def sample_surroundings(
    fixture: Fixture, camera: Camera, rng: np.random.Generator
) -> Surroundings:
    """Draw a room; nothing in it stands between the camera and the fixture."""
    # seen from below its top, a table would hide the panel
    above_table = camera.position[1] > fixture.bottom + 0.02
    count = int(rng.integers(0, CLUTTER + 1))
    return Surroundings(
        wall=int(rng.integers(SURFACES)),
        wall_distance=float(rng.choice([0.0, 0.3, 1.0])),
        wall_colour=rng.uniform(0.5, 1, 3),
        table=int(rng.integers(SURFACES)) if above_table and rng.random() < 0.8 else None,
        table_colour=rng.uniform(0.5, 1, 3),
        clutter=tuple(_sample_clutter(fixture, rng) for _ in range(count)),
    )


def place_lighting(model: mujoco.MjModel, lighting: Lighting) -> None:
    """Set the first two lights of a model."""
    model.vis.headlight.ambient[:] = lighting.ambient
    model.vis.headlight.diffuse[:] = 0.08
    model.vis.headlight.specular[:] = 0.05
    model.light_dir[:2] = lighting.directions
    model.light_pos[:2] = -1.5 * lighting.directions
    model.light_diffuse[:2] = lighting.colours
    model.light_specular[:2] = 0.4 * lighting.colours
    model.light_castshadow[0] = lighting.shadows


def place_surroundings(
    model: mujoco.MjModel, fixture: Fixture, surroundings: Surroundings
) -> None:
    """Set the wall, table and clutter of a model."""
    wall = model.geom('wall').id
    model.geom_matid[wall] = model.material(f'surface_{surroundings.wall}').id
    model.geom_rgba[wall, :3] = surroundings.wall_colour
    model.geom_pos[wall, 2] = fixture.back - 0.02 - surroundings.wall_distance
    table = model.geom('table').id
    model.geom_rgba[table, 3] = 0.0 if surroundings.table is None else 1.0
    if surroundings.table is not None:
        model.geom_matid[table] = model.material(f'surface_{surroundings.table}').id
        model.geom_rgba[table, :3] = surroundings.table_colour
    for j in range(CLUTTER):
        geom = model.geom(f'clutter_{j}').id
        model.geom_rgba[geom, 3] = 0.0
        if j < len(surroundings.clutter):
            piece = surroundings.clutter[j]
            model.geom_type[geom] = piece.shape
            model.geom_pos[geom] = piece.position
            model.geom_size[geom] = piece.size
            model.geom_rgba[geom] = [*piece.colour, 1.0]


def _lamp(rng: np.random.Generator) -> np.ndarray:
    side, up = rng.uniform(-1.0, 1.0), rng.uniform(-0.2, 1.0)
    direction = -np.array([math.sin(side), math.sin(up), math.cos(side) * math.cos(up)])
    direction /= np.linalg.norm(direction)
    return direction


def _sample_clutter(fixture: Fixture, rng: np.random.Generator) -> Clutter:
    size = rng.uniform(0.015, 0.07, 3)
    extent = fixture.extent()
    low, high = extent.min(axis=0), extent.max(axis=0)
    gap = size.max() + rng.uniform(0.01, 0.15)
    x = high[0] + gap if rng.random() < 0.5 else low[0] - gap
    if rng.random() < 0.6:
        y = fixture.bottom + size[1]
    else:
        y = rng.uniform(low[1] - 0.1 * (high[1] - low[1]), high[1])
    z = rng.uniform(fixture.back, max(low[2], fixture.back)) - size[2]
    shape = int(rng.choice([int(shape) for shape in _SHAPES]))
    return Clutter(shape, np.array([x, y, z]), size, rng.uniform(0.05, 0.95, 3))

# SPDX-License-Identifier: Apache-2.0
"""An appliance and the room around it as a MuJoCo model."""

from __future__ import annotations

import math

import cv2
import mujoco
import numpy as np

from afformer_core.sim.appliance import Appliance, Element, Kind
from afformer_core.sim.panel_texture import paint_panel, paint_surface
from afformer_core.sim.seeds import Stream, generator

SURFACES = 4
CLUTTER = 6
_DRAWER_DEPTH = 0.05


def build_model(appliance: Appliance, scene_seed: int, buffer: tuple[int, int]) -> mujoco.MjModel:
    """The model of an appliance at rest.

    Element i is the mocap body `element_i`, whose frame is the panel's moved to the element's
    centre. The geoms `wall`, `table` and `clutter_j`, the materials `surface_k`, two lights and
    the camera `view` are placed anew for each view.

    Args:
        appliance: what to build.
        scene_seed: decides on the textures.
        buffer: (width, height) of the largest image to be rendered.
    """
    random = generator(scene_seed, Stream.WORLD)
    assets = {'panel.png': _encode(paint_panel(appliance, random))}
    materials = [
        '<texture name="panel" type="2d" file="panel.png"/>'
        '<material name="panel" texture="panel" texuniform="false" '
        f'specular="{0.5 * appliance.shininess:.3f}" '
        f'shininess="{appliance.shininess:.3f}"/>'
    ]
    for k in range(SURFACES):
        assets[f'surface_{k}.png'] = _encode(paint_surface(random))
        repeat = random.uniform(1, 5)
        materials.append(
            f'<texture name="surface_{k}" type="2d" file="surface_{k}.png"/>'
            f'<material name="surface_{k}" texture="surface_{k}" specular="0.1" '
            f'texrepeat="{repeat:.2f} {repeat:.2f}" texuniform="false"/>'
        )
    bodies = [_element_body(i, element) for i, element in enumerate(appliance.elements)]
    w, h, d = appliance.width / 2, appliance.height / 2, appliance.depth / 2
    xml = f"""<mujoco>
<visual>
  <global offwidth="{buffer[0]}" offheight="{buffer[1]}"/>
  <quality offsamples="0" shadowsize="512" numslices="16" numstacks="6"/>
  <map znear="0.02" zfar="20" shadowclip="1.5"/>
</visual>
<statistic extent="1" center="0 0 0"/>
<asset>{''.join(materials)}</asset>
<worldbody>
  <light name="key" pos="0 1 1" dir="0 -1 -1" type="directional" castshadow="true"/>
  <light name="fill" pos="0 1 1" dir="0 -1 -1" type="directional" castshadow="false"/>
  <camera name="view" pos="0 0 1"/>
  <geom name="body" type="box" size="{w} {h} {d}" pos="0 0 {-d - 0.002}"
        rgba="{_rgba(appliance.body_colour)}"/>
  <geom name="panel" type="box" size="{w} {h} 0.001" pos="0 0 -0.001" material="panel"/>
  <geom name="wall" type="box" size="2.5 2.5 0.01" pos="0 0 {-2 * d - 0.05}"/>
  <geom name="table" type="box" size="1.5 0.01 1" pos="0 {-h - 0.01} 0.3"/>
  {
        ''.join(
            f'<geom name="clutter_{j}" type="box" size=".02 .02 .02" pos="0 0 -3"/>'
            for j in range(CLUTTER)
        )
    }
  {''.join(bodies)}
</worldbody>
</mujoco>"""
    return mujoco.MjModel.from_xml_string(xml, assets=assets)


def _element_body(index: int, element: Element) -> str:
    build = {Kind.BUTTON: _button, Kind.KNOB: _knob, Kind.HANDLE: _handle}[element.kind]
    bezel = _bezel(element) if element.bezel else ''
    return (
        f'{bezel}<body name="element_{index}" mocap="true" '
        f'pos="{element.x} {element.y} 0">{build(element)}</body>'
    )


def _bezel(element: Element) -> str:
    colour = _rgba(tuple(0.35 * np.array(element.colour) + 0.1))
    place = f'pos="{element.x} {element.y} 0" rgba="{colour}"'
    if element.kind is Kind.KNOB or element.shape == 'round':
        return f'<geom type="cylinder" size="{0.55 * element.width} 0.0015" {place}/>'
    return (
        f'<geom type="box" size="{0.5 * element.width + 0.0015} '
        f'{0.5 * element.height + 0.0015} 0.0015" {place}/>'
    )


def _button(element: Element) -> str:
    colour, accent = _rgba(element.colour), _rgba(element.accent)
    half = element.depth / 2 + 0.004
    middle = element.depth - half
    if element.shape == 'round':
        body = f'<geom type="cylinder" size="{element.width / 2} {half}" pos="0 0 {middle}" '
    else:
        body = (
            f'<geom type="box" size="{element.width / 2} {element.height / 2} {half}" '
            f'pos="0 0 {middle}" '
        )
    symbol = ''
    if element.symbol:
        symbol = (
            f'<geom type="box" size="{0.2 * element.width} {0.07 * element.height} 0.0006" '
            f'pos="0 0 {element.depth}" rgba="{accent}"/>'
        )
    return f'{body}rgba="{colour}"/>{symbol}'


def _knob(element: Element) -> str:
    colour, accent = _rgba(element.colour), _rgba(element.accent)
    radius, depth = element.width / 2, element.depth
    marker = (
        f'<geom type="box" size="{0.13 * radius} {0.38 * radius} 0.0008" '
        f'pos="0 {0.5 * radius} {depth}" rgba="{accent}"/>'
    )
    if element.shape == 'disc':
        return (
            f'<geom type="cylinder" size="{radius} {0.15 * depth}" pos="0 0 {0.15 * depth}" '
            f'rgba="{colour}"/><geom type="cylinder" size="{0.85 * radius} {0.5 * depth}" '
            f'pos="0 0 {0.5 * depth}" rgba="{colour}"/>{marker}'
        )
    return (
        f'<geom type="cylinder" size="{radius} {0.25 * depth}" pos="0 0 {0.25 * depth}" '
        f'rgba="{colour}"/><geom type="box" size="{0.28 * radius} {0.95 * radius} '
        f'{0.5 * depth}" pos="0 0 {0.5 * depth}" rgba="{colour}"/>{marker}'
    )


def bar_radius(element: Element) -> float:
    """Half the thickness of a handle's bar, in metres."""
    return min(0.006, 0.2 * min(element.width, element.height))


def _handle(element: Element) -> str:
    colour, accent = _rgba(element.colour), _rgba(element.accent)
    radius = bar_radius(element)
    height = element.depth - radius
    along = element.height if element.vertical else element.width
    reach = along / 2 - radius - 0.1 * along * (element.shape == 'drawer')
    turn = '' if element.vertical else f'euler="0 0 {math.degrees(-math.pi / 2):.1f}"'
    posts = ''.join(
        f'<geom type="box" size="{radius * 0.8} {radius * 0.8} {height / 2}" '
        f'pos="{_along(element, side * reach * 0.9)} {height / 2}" rgba="{accent}"/>'
        for side in (-1, 1)
    )
    bar = (
        f'<geom type="box" size="{radius} {reach + radius} {radius}" pos="0 0 {height}" {turn} '
        f'rgba="{accent}"/>'
    )
    plate = (
        f'<geom type="box" size="{element.width / 2} {element.height / 2} 0.0025" '
        f'pos="0 0 0.0025" rgba="{colour}"/>'
    )
    drawer = (
        f'<geom type="box" size="{0.45 * element.width} {0.42 * element.height} '
        f'{_DRAWER_DEPTH / 2}" pos="0 0 {-_DRAWER_DEPTH / 2}" rgba="{colour}"/>'
    )
    return plate + drawer + posts + bar


def _along(element: Element, distance: float) -> str:
    return f'0 {distance}' if element.vertical else f'{distance} 0'


def _rgba(colour: tuple[float, ...]) -> str:
    return ' '.join(f'{value:.3f}' for value in colour) + ' 1'


def _encode(image: np.ndarray) -> bytes:
    return cv2.imencode('.png', image[..., ::-1])[1].tobytes()

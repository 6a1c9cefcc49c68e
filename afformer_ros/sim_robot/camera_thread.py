# SPDX-License-Identifier: Apache-2.0
"""A thread that renders the images of a simulated robot's cameras."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld, WorldSnapshot
from afformer_sim.cameras.depth_camera import DepthCamera

_POLL = 0.1


@dataclass(frozen=True)
class Exposure:
    """One moment for the cameras to render.

    Attributes:
        world: world to render.
        snapshot: its state.
        depth_camera: defects of the depth.
        stamp: time of the images, nanoseconds.
    """

    world: ArmWorld
    snapshot: WorldSnapshot
    depth_camera: DepthCamera
    stamp: int


class CameraThread:
    """Thread that owns the OpenGL context.

    Args:
        show: called in the thread for each exposure, with the open cameras of its world.
        fail: called in the thread when rendering fails, which ends it.
    """

    def __init__(
        self,
        show: Callable[[ArmCameras, Exposure], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._show = show
        self._fail = fail
        self._pending: queue.Queue[Exposure] = queue.Queue(maxsize=1)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name='cameras', daemon=True)
        self._thread.start()

    def expose(self, exposure: Exposure) -> None:
        """Submit an exposure; wait while two others are pending."""
        while not self._stopping.is_set() and self._thread.is_alive():
            try:
                self._pending.put(exposure, timeout=_POLL)
            except queue.Full:
                continue
            return

    def close(self, patience: float) -> bool:
        """Stop; return whether the thread ended within the given seconds."""
        self._stopping.set()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        cameras: ArmCameras | None = None
        before: Exposure | None = None
        try:
            while not self._stopping.is_set():
                try:
                    exposure = self._pending.get(timeout=_POLL)
                except queue.Empty:
                    continue
                if before is None or before.world is not exposure.world:
                    if cameras is not None:
                        cameras.close()
                    cameras = ArmCameras(exposure.world, exposure.depth_camera)
                before = exposure
                assert cameras is not None
                self._show(cameras, exposure)
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        finally:
            if cameras is not None:
                cameras.close()

# SPDX-License-Identifier: Apache-2.0
"""Threads that simulate a robot, at most at a chosen speed, and render its cameras' images."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld, WorldSnapshot
from afformer_sim.cameras.depth_camera import DepthCamera

_POLL = 0.1
# Maximum delay in seconds that the simulation makes up for by running faster.
_MOST_BEHIND = 0.1
# Wall time between two checks of whether time may advance, seconds.
_WAITING = 0.001


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
        self, show: Callable[[ArmCameras, Exposure], None], fail: Callable[[Exception], None]
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


class SimulationThread:
    """Thread that advances a world, and lets other threads change it between two steps.

    Time continues when the world is replaced.

    Args:
        world: initial world.
        period: simulated seconds of a step.
        factor: maximum simulated seconds per second; 0 for no limit.
        report: called in the thread after each step with the world and the time, nanoseconds;
            returns the exposures for the cameras.
        cameras: thread that renders the exposures; the simulation waits for it.
        fail: called in the thread when the simulation fails, which ends it.
        may_advance: returns whether time may advance; the simulation waits until it does.
    """

    def __init__(
        self,
        world: ArmWorld,
        period: float,
        factor: float,
        report: Callable[[ArmWorld, int], Exposure | None],
        cameras: CameraThread,
        fail: Callable[[Exception], None],
        may_advance: Callable[[], bool] = lambda: True,
    ) -> None:
        self.lock = threading.RLock()
        self.factor = factor
        self._world = world
        self._period = period
        self._report = report
        self._cameras = cameras
        self._fail = fail
        self._may_advance = may_advance
        self._before = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name='simulation', daemon=True)

    @property
    def world(self) -> ArmWorld:
        """The world; hold `lock` while reading or changing it."""
        return self._world

    @property
    def now(self) -> int:
        """Simulated time in nanoseconds."""
        return round((self._before + self._world.time) * 1e9)

    def since_start(self, stamp: int) -> float:
        """Convert simulated time in nanoseconds to seconds since the world began."""
        return stamp * 1e-9 - self._before

    def start(self) -> None:
        """Start simulating."""
        self._thread.start()

    def replace(self, world: ArmWorld) -> None:
        """Continue with another world."""
        with self.lock:
            self._before += self._world.time
            self._world = world

    def close(self, patience: float) -> bool:
        """Stop; return whether the thread ended within the given seconds."""
        self._stopping.set()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while not self._stopping.is_set():
                if not self._may_advance():
                    self._stopping.wait(_WAITING)
                    continue
                with self.lock:
                    self._world.advance(self._period)
                    exposure = self._report(self._world, self.now)
                if exposure is not None:
                    self._cameras.expose(exposure)
                if not self.factor:
                    # other threads wait for the lock
                    time.sleep(0)
                    continue
                due = max(due + self._period / self.factor, time.monotonic() - _MOST_BEHIND)
                self._stopping.wait(max(0.0, due - time.monotonic()))
        except Exception as error:  # noqa: BLE001
            self._fail(error)

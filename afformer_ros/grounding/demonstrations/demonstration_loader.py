# SPDX-License-Identifier: Apache-2.0
"""The loading of a demonstration from a file, which is read here and encoded by the worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import (
    Progress,
    permitted_path,
    read_demonstration,
    split_topic,
    untold,
)
from afformer_core.demonstrations.state import Summary
from afformer_core.errors import AfformerError
from afformer_ros.grounding.grounding_worker import GroundingWorker


class DemonstrationLoader:
    """A loader of demonstrations from videos, folders of images and bags.

    Args:
        worker: worker that owns the demonstrations.
        folders: folders from which files may be read, resolved.
    """

    def __init__(
        self, worker: GroundingWorker[DemonstrationLibrary], folders: tuple[Path, ...]
    ) -> None:
        self._worker = worker
        self._folders = folders

    def load(
        self,
        source: str,
        name: str,
        wait: Callable[[Future[Any]], Any],
        progress: Progress = untold,
        check: Callable[[], None] = lambda: None,
    ) -> Summary:
        """Read a file, and add its demonstration; blocks until that is done.

        Args:
            source: path of the file or folder, see `read_demonstration`.
            name: name of the demonstration; empty: the name of the file without its extension.
            wait: function that waits for the result of a command of the worker.
            progress: called for each frame that is read.
            check: called by the worker before each frame is encoded; an error that it raises drops
                the demonstration.

        Raises:
            AfformerError: the file must not or cannot be read, or the name is not allowed.
            WorkerStoppedError: the worker ended.
            Exception: raised by `wait`, `progress` or `check`.
        """
        maximum = wait(self._worker.submit(lambda owned: owned.maximum_frames))
        try:
            path = permitted_path(source, self._folders)
            media = read_demonstration(path, maximum, progress)
        except AfformerError as error:
            text = str(error)
            self._worker.submit(lambda owned: owned.fail(text))
            raise
        chosen = name or split_topic(path)[0].stem

        def add(owned: DemonstrationLibrary) -> Summary:
            return owned.add(media, chosen, check)

        summary: Summary = wait(self._worker.submit(add))
        return summary

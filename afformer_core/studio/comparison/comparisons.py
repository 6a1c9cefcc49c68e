# SPDX-License-Identifier: Apache-2.0
"""The comparison of a server, which continues when pages are closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.runtime import ArrayGrounder
from afformer_core.studio.comparison.model_comparison import ModelComparison, compare_models
from afformer_core.studio.training.model_folders import ModelFolders


class _CancelledError(AfformerError):
    """Raised if a comparison is canceled."""


class Comparisons:
    """Comparisons of models on a folder of pairs, one at a time, in a separate thread.

    Args:
        models: folders of models.
        pairs: folder of own pairs.
        open_model: function that opens a model folder.

    Attributes:
        models: see the arguments.
        progress: number of finished pairs and of all pairs in the latest comparison.
        names: names of the models of the latest comparison; empty before the first.
        begun: names of the models of all comparisons.
        results: all finished comparisons of this server, by the names of their models.
    """

    def __init__(
        self, models: ModelFolders, pairs: Path, open_model: Callable[[Path], ArrayGrounder]
    ) -> None:
        self.models = models
        self.progress = (0, 0)
        self.names: tuple[str, ...] = ()
        self.begun: set[tuple[str, ...]] = set()
        self.results: dict[tuple[str, ...], ModelComparison] = {}
        self._pairs = pairs
        self._open_model = open_model
        self._latest: Future[ModelComparison] | None = None
        self._canceled = False
        self._thread = ThreadPoolExecutor(1, 'comparison')

    def start(self, first: str, second: str) -> None:
        """Start a comparison of two models.

        Args:
            first, second: their names.

        Raises:
            ValueError: the names are equal, or a name is not a plain file name.
            AfformerError: a comparison runs.
        """
        if first == second:
            raise ValueError(f'both models are {first}. Choose two')
        if self.runs:
            raise AfformerError('two models are being compared. Wait for the result, or cancel it')
        folders = {name: self.models.model(name) for name in (first, second)}
        self._canceled, self.progress, self.names = False, (0, 0), (first, second)
        self.begun.add(self.names)
        self._latest = self._thread.submit(self._compare, folders)

    def cancel(self) -> None:
        """End a running comparison after its current pair."""
        self._canceled = True

    @property
    def runs(self) -> bool:
        """Whether a comparison is running."""
        return self._latest is not None and not self._latest.done()

    @property
    def result(self) -> ModelComparison | None:
        """The latest comparison; None if there is none, if it is running, or if it failed."""
        latest = self._latest
        return None if latest is None or self.runs or latest.exception() else latest.result()

    @property
    def failure(self) -> str:
        """Reason why the latest comparison failed; empty if it did not."""
        latest = self._latest
        error = None if latest is None or self.runs else latest.exception()
        return '' if error is None else str(error) or type(error).__name__

    def close(self) -> None:
        """End a running comparison, and the thread."""
        self.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _compare(self, folders: Mapping[str, Path]) -> ModelComparison:
        result = compare_models(folders, self._pairs, self._open_model, self._note)
        self.results[tuple(folders)] = result
        return result

    def _note(self, done: int, total: int) -> None:
        self.progress = done, total
        if self._canceled:
            raise _CancelledError('the comparison was canceled')

# SPDX-License-Identifier: Apache-2.0
"""Mining as stages of Ray Data, each of which the cluster scales by itself.

Detection on GPUs has two stages. Tasks with a core decode the frames of parts and send them in
spans; actors with a GPU, or a share of one, detect hands in them. Without a GPU, and for detectors
that follow hands through the video, tasks with a core do both, because frames are far larger than
hands. A task whose process or machine died runs again on another machine.

The results of parts are the checkpoint of a run. Ray Data's own checkpoint belongs to one dataset
and one sink, and would not be that of a run in local processes.
"""

from __future__ import annotations

import pickle
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain
from logging import ERROR, Handler, LogRecord, getLogger
from types import ModuleType
from typing import Any

import pyarrow as pa

from afformer_core.errors import AfformerError, how_to_install
from afformer_core.hands.hand import Hand
from afformer_core.maskahand.mining.examination import Examination, ExaminedPart
from afformer_core.maskahand.mining.mined_part import (
    MinedPart,
    ReadableFrames,
    by_frame,
    failed,
    hands_in,
    write_part,
)
from afformer_core.maskahand.mining.video_parts import MiningPart
from afformer_core.maskahand.mining.video_spans import span_of_row, span_row, spans_of
from afformer_core.parallel.cluster_room import require_room
from afformer_core.parallel.engine import OpenTask, PartResult, do_part_for_another
from afformer_core.parallel.ray_connection import connected, told
from afformer_core.parallel.ray_engine import RayEngine

# Deaths of the process of a part or a span after which Ray gives it up, and how often all parts
# that were given up are tried.
_DEATHS, _ROUNDS = 5, 2
# Seconds without any progress, as after the loss of the only machine with a GPU, before a round
# ends.
_PATIENCE = 600.0
# Number of results that other machines write at once.
_WRITTEN_AT_ONCE = 64


@dataclass(frozen=True)
class ClusterStages:
    """The stages of a cluster that examine parts.

    Attributes:
        engine: the cluster, with the GPUs of each process that detects hands.
        opening: function that opens the examination in a process.
        rate: examined frames per second.
        context, batch: those of the detector (see `HandDetector`).
        writes: whether processes write the results.
    """

    engine: RayEngine
    opening: OpenTask[MiningPart, ExaminedPart]
    rate: float
    context: float | None
    batch: int
    writes: bool

    @property
    def divided(self) -> bool:
        """Whether frames are decoded in a stage of their own."""
        return bool(self.engine.gpus) and self.context is not None

    def examine(self, parts: Sequence[MiningPart]) -> Iterator[tuple[MiningPart, ExaminedPart]]:
        """Examine parts; yield each with its result as soon as it is there.

        Args:
            parts: parts, in any order.

        Raises:
            AfformerError: Ray is not installed or not reached, no machine has the GPUs, or a
                machine cannot open the detector.
            Exception: the detector cannot be opened.
        """
        processes = None if self.divided else self.engine.processes
        with connected(self.engine.address, processes, for_frames=self.divided) as ray:
            lost = _prepare()
            left = dict(enumerate(parts))
            for _ in range(_ROUNDS):
                require_room(ray.nodes(), self.engine.gpus or 0.0)
                for number, examined in self._round(ray, dict(left)):
                    yield left.pop(number), examined
                if not left:
                    return
                _require_disk(lost.error)
        told_error = 'no machine for it was left' if lost.error is None else told(lost.error)
        for part in left.values():
            seen = failed(
                RuntimeError(f'its process died repeatedly, the last time: {told_error}')
            )
            yield part, ExaminedPart(0, seen.damage, seen)

    def _round(
        self, ray: ModuleType, parts: Mapping[int, MiningPart]
    ) -> Iterator[tuple[int, ExaminedPart]]:
        """Try all parts once; those whose processes died yield nothing."""
        from ray import data
        from ray.data.exceptions import ExecutionTimeoutError

        dumps = ray.cloudpickle.dumps
        rows = [{'part': number, 'task': dumps(part)} for number, part in parts.items()]
        # Each part is a task of its own.
        dataset = data.from_items(rows, override_num_blocks=len(rows))
        opening = dumps(self.opening)
        examined = (
            self._in_two_stages(ray, dataset, opening, parts)
            if self.divided
            else self._in_one_stage(dataset, opening)
        )
        try:
            yield from examined
        except ExecutionTimeoutError:
            # The parts without a result are tried in the next round.
            return

    def _in_one_stage(self, dataset: Any, opening: bytes) -> Iterator[tuple[int, ExaminedPart]]:
        stage = _stage(
            dataset,
            partial(_examine, opening=opening),
            num_cpus=1,
            num_gpus=self.engine.gpus or None,
            concurrency=self.engine.processes,
            max_retries=_DEATHS,
        )
        for row in _rows(stage):
            yield row['part'], _value(row['result'])

    def _in_two_stages(
        self, ray: ModuleType, dataset: Any, opening: bytes, parts: Mapping[int, MiningPart]
    ) -> Iterator[tuple[int, ExaminedPart]]:
        assert self.context is not None
        decoded = _stage(
            dataset,
            partial(_decode, rate=self.rate, context=self.context, batch_size=self.batch),
            num_cpus=1,
            max_retries=_DEATHS,
        )
        detected = _stage(
            decoded,
            _Detection,
            fn_kwargs={'opening': opening},
            # Decoding must not take the core of a GPU away.
            num_cpus=0,
            num_gpus=self.engine.gpus,
            concurrency=(1, self.engine.processes),
            max_task_retries=_DEATHS,
        )
        write = ray.remote(num_cpus=0, max_retries=_DEATHS, scheduling_strategy='SPREAD')(_write)
        writing: dict[Any, int] = {}
        begun: defaultdict[int, _Spans] = defaultdict(_Spans)
        for row in _rows(detected):
            number = row['part']
            begun[number].add(row['span'], _value(row['result']), row['end'])
            seen = begun[number].joined()
            if seen is None:
                continue
            del begun[number]
            if not self.writes:
                yield number, ExaminedPart(len(seen.times), seen.damage, seen)
                continue
            writing[write.remote(parts[number], seen)] = number
            if len(writing) > _WRITTEN_AT_ONCE:
                yield from _written(ray, writing)
        while writing:
            yield from _written(ray, writing)


@dataclass
class _Spans:
    """The hands in the spans of a part so far.

    Attributes:
        hands: hands in each frame, by the number of the span, or the result of a failure.
        end: what was read of the part, from its last span.
        count: number of spans; None while the last one is missing.
    """

    hands: dict[int, list[tuple[Hand, ...]] | MinedPart] = field(default_factory=dict)
    end: ReadableFrames | MinedPart | None = None
    count: int | None = None

    def add(self, number: int, hands: list[tuple[Hand, ...]] | MinedPart, end: bytes) -> None:
        """Add a span."""
        self.hands[number] = hands
        if end:
            self.end, self.count = pickle.loads(end), number + 1

    def joined(self) -> MinedPart | None:
        """Return the result of the part; None while spans are missing."""
        if len(self.hands) != self.count or self.end is None:
            return None
        found: list[list[tuple[Hand, ...]]] = []
        for number in range(self.count):
            hands = self.hands[number]
            if isinstance(hands, MinedPart):
                return hands
            found.append(hands)
        if isinstance(self.end, MinedPart):
            return self.end
        return self.end.with_hands(by_frame(chain.from_iterable(found)))


class LostTasks(Handler):
    """The log of Ray Data, which tells only there why tasks were given up.

    Attributes:
        error: the last error of a task; None without any.
    """

    error: Exception | None = None

    def emit(self, record: LogRecord) -> None:
        """Keep the error of an entry."""
        if record.exc_info and isinstance(record.exc_info[1], Exception):
            self.error = record.exc_info[1]


def _prepare() -> LostTasks:
    """Let Ray Data work silently, and leave out parts whose processes died.

    Raises:
        AfformerError: it is not installed.
    """
    try:
        from ray.data import DataContext
    except ImportError as error:
        raise AfformerError(
            f'Ray Data is not installed: {error}. Run {how_to_install("cluster")}'
        ) from error
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1
    context.execution_no_progress_timeout_s = _PATIENCE
    lost = LostTasks()
    logger = getLogger('ray.data')
    logger.handlers = [lost]
    logger.setLevel(ERROR)
    return lost


def _require_disk(error: Exception | None) -> None:
    """Raise an error if a task was given up because a disk is full."""
    from ray.exceptions import OutOfDiskError

    if isinstance(error, OutOfDiskError) or isinstance(
        getattr(error, 'cause', None), OutOfDiskError
    ):
        raise AfformerError(
            'the disk of a machine of the Ray cluster is full; expected room for frames between '
            'the stages in its folder for temporary files. Free some space, or start Ray with '
            '--temp-dir on another disk, and run the same command again to continue'
        ) from error


def _stage(dataset: Any, function: Any, **options: Any) -> Any:
    """Apply a function to the rows of a dataset, one by one."""
    with warnings.catch_warnings():
        # Up to its release 2.64, Ray has no other limit of repetitions.
        warnings.simplefilter('ignore', DeprecationWarning)
        return dataset.map_batches(function, batch_size=1, batch_format='pyarrow', **options)


def _rows(dataset: Any) -> Iterator[dict[str, Any]]:
    for batch in dataset.iter_batches(batch_size=None, batch_format='pyarrow'):
        yield from batch.to_pylist()


def _value(result: bytes) -> Any:
    answer: PartResult[None, Any] = pickle.loads(result)
    return answer.get()


def _written(ray: ModuleType, writing: dict[Any, int]) -> Iterator[tuple[int, ExaminedPart]]:
    """Yield a part that was written, unless the processes that tried it died."""
    [answer], _ = ray.wait(list(writing), num_returns=1)
    number = writing.pop(answer)
    try:
        result: PartResult[None, ExaminedPart] = ray.get(answer)
    except ray.exceptions.RayError:
        return
    yield number, result.get()


@lru_cache(maxsize=1)
def _opened(opening: bytes) -> Examination:
    """Open the examination once in this process."""
    try:
        examination: Examination = pickle.loads(opening)()
    except ImportError as error:
        raise AfformerError(
            f'a machine of the cluster cannot open the detector: {error}. Install the same '
            'release of afformer with the same extras on every machine'
        ) from error
    return examination


def _answer(part: list[int], result: PartResult[None, Any], **others: Any) -> pa.Table:
    return pa.table({'part': part, 'result': [pickle.dumps(result)], **others})


def _examine(batch: pa.Table, *, opening: bytes) -> pa.Table:
    """Decode and examine a part."""

    def examine(row: dict[str, Any]) -> ExaminedPart:
        return _opened(opening)(pickle.loads(row['task']))

    [row] = batch.to_pylist()
    return _answer([row['part']], do_part_for_another(examine, row))


def _decode(
    batch: pa.Table, *, rate: float, context: float, batch_size: int
) -> Iterator[pa.Table]:
    """Decode a part, and yield its spans."""
    import cv2

    cv2.setNumThreads(1)
    [row] = batch.to_pylist()
    part: MiningPart = pickle.loads(row['task'])
    readable = ReadableFrames(part.source.frames(rate, part.start, part.stop))
    end: ReadableFrames | MinedPart = readable
    count = 0
    try:
        for span in spans_of(readable, context, batch_size):
            yield span_row(row['part'], count, span, b'')
            count += 1
    except Exception as error:  # noqa: BLE001
        end = failed(error)
    yield span_row(row['part'], count, None, pickle.dumps(end))


class _Detection:
    """An actor that detects hands in spans."""

    def __call__(self, batch: pa.Table, opening: bytes) -> pa.Table:
        """Detect the hands in the frames that belong to a span."""
        result = do_part_for_another(partial(_hands_in_span, opening), batch)
        facts = {name: batch[name] for name in ('span', 'end')}
        return _answer(batch['part'].to_pylist(), result, **facts)


def _hands_in_span(opening: bytes, batch: pa.Table) -> list[tuple[Hand, ...]] | MinedPart:
    detector = _opened(opening).detector
    span = span_of_row(batch)
    try:
        return list(hands_in(detector, span.frames))[span.first : span.stop]
    except AfformerError:
        raise
    except Exception as error:  # noqa: BLE001
        return failed(error)


def _write(part: MiningPart, seen: MinedPart) -> PartResult[None, ExaminedPart]:
    """Write the result of a part."""

    def write(part: MiningPart) -> ExaminedPart:
        write_part(part.file, seen, part.facts)
        return ExaminedPart(len(seen.times), seen.damage)

    return do_part_for_another(write, part)

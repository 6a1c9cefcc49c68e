# SPDX-License-Identifier: Apache-2.0
"""Order, bounds and ends of the worker, with plain lists for what it owns."""

import threading

import pytest

from afformer_ros.grounding.grounding_worker import GroundingWorker, WorkerStoppedError

PATIENCE = 10


class Gate:
    """Holds the worker in a handler until it is opened."""

    def __init__(self):
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, _):
        self.entered.set()
        assert self.opened.wait(PATIENCE)


@pytest.fixture
def make():
    workers = []

    def start(load=list, capacity=3):
        worker = GroundingWorker(
            lambda owned: 'closed' not in owned, lambda error: errors.append(error), capacity
        )
        worker.errors = errors = []
        worker.start(load)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.stop(PATIENCE)


def _image(name):
    return lambda owned: owned.append(('image', name))


def _frame(number):
    return lambda owned: owned.append(('frame', number))


def _held(worker):
    gate = Gate()
    worker.submit(gate)
    assert gate.entered.wait(PATIENCE)
    return gate


def test_commands_come_before_frames_and_these_before_images(make):
    worker = make()
    worker.set_grounding(grounding=True)
    gate = _held(worker)
    worker.offer_image(_image('old'))
    worker.offer_image(_image('new'))
    worker.offer_frame(_frame(1))
    finish = worker.submit(lambda owned: list(owned), after_frames=True)
    worker.offer_frame(_frame(2))
    command = worker.submit(lambda owned: list(owned))
    gate.opened.set()
    assert command.result(PATIENCE) == []
    assert finish.result(PATIENCE) == [('frame', 1)]
    while len(found := worker.submit(list).result(PATIENCE)) < 3:
        pass
    assert found == [('frame', 1), ('frame', 2), ('image', 'new')]


def test_frames_are_refused_when_too_many_wait(make):
    worker = make(capacity=2)
    gate = _held(worker)
    assert [worker.offer_frame(_frame(n)) for n in range(3)] == [True, True, False]
    gate.opened.set()


def test_only_a_waiting_image_is_replaced(make):
    worker = make()
    gate = _held(worker)
    assert [worker.offer_image(_image(n)) for n in range(3)] == [False, True, True]
    gate.opened.set()


def test_an_image_waits_until_it_can_be_grounded(make):
    worker = make(lambda: ['closed'])
    worker.set_grounding(grounding=True)
    worker.offer_image(_image('image'))
    assert worker.submit(list).result(PATIENCE) == ['closed']
    worker.submit(lambda owned: owned.remove('closed')).result(PATIENCE)
    while not (found := worker.submit(list).result(PATIENCE)):
        pass
    assert found == [('image', 'image')]


def test_an_exception_belongs_to_whoever_asked(make):
    worker = make()
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda _: 1 / 0).result(PATIENCE)
    assert worker.submit(lambda _: 'alive').result(PATIENCE) == 'alive'


def test_a_handler_that_raises_does_not_end_the_thread(make):
    worker = make()
    worker.set_grounding(grounding=True)
    worker.offer_image(lambda owned: 1 / 0)
    while not worker.errors:
        worker.submit(lambda _: None).result(PATIENCE)
    assert isinstance(worker.errors[0], ZeroDivisionError)


def test_what_loading_raises_answers_every_command(make):
    def load():
        raise FileNotFoundError('no model')

    worker = make(load)
    with pytest.raises(FileNotFoundError, match='no model'):
        worker.loaded.result(PATIENCE)
    with pytest.raises(FileNotFoundError, match='no model'):
        worker.submit(lambda _: None).result(PATIENCE)


def test_stopping_answers_commands_that_wait(make):
    worker = make()
    gate = _held(worker)
    waiting = worker.submit(lambda _: None)
    assert not worker.stop(0.01)
    with pytest.raises(WorkerStoppedError):
        waiting.result(PATIENCE)
    gate.opened.set()
    assert worker.stop(PATIENCE)
    with pytest.raises(WorkerStoppedError):
        worker.submit(lambda _: None).result(PATIENCE)

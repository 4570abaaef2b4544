"""The embedded message queue: files that several processes write and read at once."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kombu import Connection, Exchange, Queue
from kombu.transport.virtual import BrokerState

from musicrec_site.ops import broker

N_WRITERS = 4
N_EACH = 50


def connect(folder: Path) -> Connection:
    """Connect to the queue in a folder as the settings do."""
    options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    }
    return Connection(
        "filesystem://localhost//",
        transport="musicrec_site.ops.broker:Transport",
        transport_options=options,
    )


@pytest.fixture(autouse=True)
def _nothing_bound_yet(monkeypatch) -> None:
    """A process remembers what it bound, whichever folder that was in."""
    monkeypatch.setattr(broker.Transport, "global_state", BrokerState())


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def queue(folder) -> Iterator:
    with connect(folder) as connection:
        yield connection.SimpleQueue("training")


def write_many(folder: Path, writer: int) -> None:
    with connect(folder) as connection:
        queue = connection.SimpleQueue("training")
        for number in range(N_EACH):
            queue.put([writer, number])


END = "nothing more comes"


def read_many(folder: Path, results) -> None:
    with connect(folder) as connection:
        queue = connection.SimpleQueue("training")
        while True:
            message = queue.get()
            message.ack()
            if message.payload == END:
                return
            results.put(message.payload)


def bind(folder: Path, number: int) -> None:
    with connect(folder) as connection:
        Queue(f"worker{number}", Exchange("everybody", "fanout"))(connection.channel()).declare()


def in_processes(target: Callable, *arguments: tuple) -> list[multiprocessing.Process]:
    started = [
        multiprocessing.get_context("spawn").Process(target=target, args=each) for each in arguments
    ]
    for process in started:
        process.start()
    return started


@pytest.mark.slow
def test_each_message_is_read_once_while_others_are_written(folder):
    queue = multiprocessing.get_context("spawn").SimpleQueue()

    processes = in_processes(write_many, *((folder, writer) for writer in range(N_WRITERS)))
    processes += in_processes(read_many, (folder, queue), (folder, queue))
    read = [tuple(queue.get()) for _ in range(N_WRITERS * N_EACH)]
    with connect(folder) as connection:
        for _reader in range(2):
            connection.SimpleQueue("training").put(END)
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * len(processes)
    assert queue.empty()
    assert sorted(read) == [
        (writer, number) for writer in range(N_WRITERS) for number in range(N_EACH)
    ]
    assert list((folder / "messages").iterdir()) == []


@pytest.mark.slow
def test_no_binding_is_lost_when_workers_start_at_once(folder):
    for process in in_processes(bind, *((folder, number) for number in range(8))):
        process.join()

    with connect(folder) as connection:
        table = connection.channel().get_table("everybody")
    assert sorted(binding.queue for binding in table) == [f"worker{number}" for number in range(8)]


def test_half_a_message_is_put_aside_and_the_next_one_is_read(folder, queue, caplog):
    queue.put("whole")
    (folder / "messages/0_half.training.msg").write_text('{"body": "')

    message = queue.get(timeout=3)

    assert message.payload == "whole"
    message.ack()
    assert "0_half.training.msg can't be read and was put aside" in caplog.text
    assert [file.name for file in (folder / "messages").iterdir()] == [
        "0_half.training.msg" + broker.UNREADABLE
    ]


def test_a_worker_that_leaves_is_no_longer_sent_anything(folder):
    bind(folder, 1)
    bind(folder, 2)
    with connect(folder) as connection:
        Queue("worker1", Exchange("everybody", "fanout"))(connection.channel()).delete()

        table = connection.channel().get_table("everybody")

    assert [binding.queue for binding in table] == ["worker2"]


def test_unreadable_bindings_count_as_none_until_a_worker_binds_again(folder, caplog):
    bind(folder, 1)
    (folder / "control/everybody.exchange").write_text("")
    with connect(folder) as connection:
        assert connection.channel().get_table("everybody") == []
    assert "The bindings of everybody can't be read" in caplog.text

    (worker,) = in_processes(bind, (folder, 1))  # one that starts, with nothing bound
    worker.join()

    with connect(folder) as connection:
        assert [each.queue for each in connection.channel().get_table("everybody")] == ["worker1"]

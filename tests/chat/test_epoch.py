"""The names of the service and of the database's history."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.app.executable import main
from chat.epoch import ServersRunError, begin_epoch, make_names, service_of
from chat.storage import Database
from chat.storage.tables import EPOCH, SERVICE, NodeModel, SettingModel
from tests.chat.loopkit import WAIT
from tests.chat.nodekit import Node
from tests.chat.test_app import config, run_and_stop, started


def names(database: Database) -> tuple[str, str]:
    return database.read(lambda tx: SettingModel(tx).identity())


def test_the_first_server_makes_both(database: Database) -> None:
    assert names(database) == ("", "")
    database.write(make_names)
    service, epoch = names(database)
    assert len(service) == len(epoch) == 32
    assert service != epoch
    database.write(make_names)
    assert names(database) == (service, epoch)


def test_servers_that_start_at_once(database: Database) -> None:
    threads = [threading.Thread(target=database.write, args=(make_names,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    rows = database.read(
        lambda tx: tx.query("SELECT name FROM setting WHERE name IN (?, ?)", (SERVICE, EPOCH))
    )
    assert len(rows) == 2


def test_a_new_epoch(database: Database) -> None:
    database.write(make_names)
    service, epoch = names(database)
    new = begin_epoch(database)
    assert names(database) == (service, new)
    assert new != epoch


def test_a_backup_of_an_older_version(database: Database) -> None:
    new = begin_epoch(database)
    assert names(database) == ("", new)
    database.write(make_names)
    assert names(database)[1] == new


def test_no_new_epoch_while_a_server_runs(database: Database) -> None:
    database.write(make_names)
    before = names(database)
    database.write(lambda tx: NodeModel(tx).claim("node-6000", "i", "here", 10_000))
    with pytest.raises(ServersRunError, match=r"node-6000.*stop it"):
        begin_epoch(database)
    assert names(database) == before
    database.write(lambda tx: NodeModel(tx).release("node-6000", "i"))
    assert begin_epoch(database) == names(database)[1]


def test_the_answer_to_a_login(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.leave()
    assert not {"service", "epoch"} & node.connect().log_in(ann.user_id).keys(), "not made yet"
    node.database.write(make_names)
    service, epoch = names(node.database)
    bob.leave()
    answers = []
    for _ in range(2):
        client = node.connect()
        answers.append(client.log_in(bob.user_id))
        client.leave()
    assert {answer["epoch"] for answer in answers} == {epoch}
    assert {answer["service"] for answer in answers} == {service_of(service, bob.user_id)}
    assert service not in answers[0].values()
    new = begin_epoch(node.database)  # a login has the epoch of its moment
    answer = node.connect().log_in(bob.user_id)
    assert (answer["epoch"], answer["service"]) == (new, answers[0]["service"])


def test_each_account_has_its_own_name_of_the_service() -> None:
    assert service_of("a" * 32, 1) == service_of("a" * 32, 1)
    assert len({service_of("a" * 32, 1), service_of("a" * 32, 2), service_of("b" * 32, 1)}) == 3


def test_a_classic_client_gets_neither(make_node: Callable[..., Node]) -> None:
    node = make_node()
    node.database.write(make_names)
    answer = node.connect(v2=False).log_in(node.user("ann"))
    assert not {"service", "epoch"} & answer.keys()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chat.db"
    command = ["127.0.0.1", "6000", "--db", f"sqlite:///{path}", "--new-epoch"]
    app = started(config(path))
    service, epoch = names(app._base.database)
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("chatserver: database: ")
    assert names(app._base.database) == (service, epoch)
    run_and_stop(app)
    assert main(command) == 0
    new = capsys.readouterr().out.removeprefix("new epoch: ").strip()
    app = started(config(path))
    assert names(app._base.database) == (service, new)
    assert new != epoch
    run_and_stop(app)

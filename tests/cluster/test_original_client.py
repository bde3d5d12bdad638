"""Clients of the original behind nginx: every message is shown, from all servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.clusterkit import ClusterKit, Wire, until
from tests.e2e.originalkit import OriginalClient

Member = Callable[..., Wire]


@pytest.fixture(scope="module", params=["stored", "direct"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterKit]:
    kit = ClusterKit(tmp_path_factory.mktemp("original") / "dir")
    kit.up("--servers", "1")
    kit.do("down")
    # A gap in which all of them get their turn on a machine that is busy with other things.
    settings = f'[chat]\ndelivery = "{request.param}"\n[classic]\ngap = 0.1\n'
    (kit.folder / "chatserver.toml").write_text(settings)
    done = kit.up()
    assert (done.returncode, done.stderr) == (0, ""), done
    until(lambda: kit.do("status").count("bus healthy") == 2, "two healthy nodes")
    yield kit
    logs = "".join(kit.log(number) for number in range(2))
    kit.do("down")
    assert "Traceback" not in logs, logs


def test_ten_quick_messages_are_shown(cluster: ClusterKit) -> None:
    with OriginalClient(cluster.listen) as ann, OriginalClient(cluster.listen) as bob:
        ann.login(ann.register("ann"))
        bob.login(bob.register("bob"))
        for number in range(10):
            ann.chat(bob.id, f"quick {number}")
        assert bob.texts(10) == [f"quick {number}" for number in range(10)]


def test_five_senders_at_once(cluster: ClusterKit, member: Member) -> None:
    with OriginalClient(cluster.listen) as bob:
        bob.login(bob.register("bob of five"))
        senders = [member(f"sender {number}", number % 2) for number in range(5)]
        barrier = threading.Barrier(5)

        def send(number: int, sender: Wire) -> None:
            barrier.wait()
            for text in range(8):
                sender.chat(bob.id, f"{number}: {text}")

        threads = [threading.Thread(target=send, args=pair) for pair in enumerate(senders)]
        for thread in threads:
            thread.start()
        texts = bob.texts(40)
        for thread in threads:
            thread.join()
    assert sorted(texts) == sorted(f"{n}: {text}" for n in range(5) for text in range(8))


def test_a_long_text_and_long_mail(cluster: ClusterKit, member: Member) -> None:
    ann = member("ann of the long text", 0)
    with OriginalClient(cluster.listen) as bob:
        bob_id = bob.register("bob of the long text")
    texts = [f"{number}" + "你" * 200 for number in range(4)]
    for text in texts:
        ann.chat(bob_id, text)
        ann.find(20, errno=0)
    with OriginalClient(cluster.listen) as bob:
        assert "offlinemsg" not in bob.login(bob_id)
        assert bob.texts(4) == texts
        ann.chat(bob_id, "x" * 3000)
        bob.until(lambda: "".join(m["msg"] for m in bob.shown[4:]) == "x" * 3000, "long text")

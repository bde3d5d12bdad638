"""Clients of the original behind nginx show each message, from all servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.clusterkit import ClusterKit, running_cluster
from tests.e2e.chatkit import Wire
from tests.e2e.originalkit import OriginalClient, check_five_senders, check_quick_messages

Member = Callable[..., Wire]


@pytest.fixture(scope="module", params=["stored", "direct"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterKit]:
    # A gap that is long enough for all clients to read, also on a busy machine.
    settings = f'[chat]\ndelivery = "{request.param}"\n[classic]\ngap = 0.1\n'
    with running_cluster(tmp_path_factory.mktemp("original") / "dir", settings) as kit:
        yield kit


def test_ten_quick_messages_are_shown(cluster: ClusterKit) -> None:
    with OriginalClient(cluster.listen) as ann, OriginalClient(cluster.listen) as bob:
        ann.login(ann.register("ann"))
        bob.login(bob.register("bob"))
        check_quick_messages(ann, bob)


def test_five_senders_at_once(cluster: ClusterKit, member: Member) -> None:
    with OriginalClient(cluster.listen) as bob:
        bob.login(bob.register("bob of five"))
        senders = [member(f"sender {number}", number % 2) for number in range(5)]
        check_five_senders(bob, senders)


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

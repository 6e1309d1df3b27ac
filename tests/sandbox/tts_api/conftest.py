"""One deployment of each mode a worker, shared by all tests here; each test starts from the same settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.postgres import Cluster
from tests.sandbox.platform_fixtures import BackgroundLoop
from tests.sandbox.tts_api.deployed import Deployed, User, deployed


@pytest.fixture(scope="session")
def shared_qwen(cluster: Cluster, template: str, loop: BackgroundLoop) -> Iterator[Deployed]:
    with deployed("qwen", cluster, template, loop) as running:
        yield running


@pytest.fixture(scope="session")
def shared_modal(cluster: Cluster, template: str, loop: BackgroundLoop) -> Iterator[Deployed]:
    with deployed("modal", cluster, template, loop) as running:
        yield running


@pytest.fixture(scope="session")
def shared_realtime(cluster: Cluster, template: str, loop: BackgroundLoop) -> Iterator[Deployed]:
    with deployed("qwen", cluster, template, loop, "realtime") as running:
        yield running


@pytest.fixture(scope="session")
def shared_modal_realtime(cluster: Cluster, template: str, loop: BackgroundLoop) -> Iterator[Deployed]:
    with deployed("modal", cluster, template, loop, "realtime") as running:
        yield running


@pytest.fixture
def realtime(shared_realtime: Deployed) -> Iterator[Deployed]:
    """The deployment of lane realtime in mode qwen."""
    shared_realtime.reset()
    yield shared_realtime
    shared_realtime.reset()


@pytest.fixture
def modal_realtime(shared_modal_realtime: Deployed) -> Iterator[Deployed]:
    """The deployment of lane realtime in mode modal."""
    shared_modal_realtime.reset()
    yield shared_modal_realtime
    shared_modal_realtime.reset()


@pytest.fixture
def qwen(shared_qwen: Deployed) -> Iterator[Deployed]:
    """The deployment in mode qwen."""
    shared_qwen.reset()
    yield shared_qwen
    shared_qwen.reset()


@pytest.fixture
def modal(shared_modal: Deployed) -> Iterator[Deployed]:
    """The deployment in mode modal."""
    shared_modal.reset()
    yield shared_modal
    shared_modal.reset()


@pytest.fixture(params=["qwen", "modal"])
def api(request: pytest.FixtureRequest) -> Deployed:
    """The deployment in either mode, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def user(api: Deployed) -> User:
    """A fresh user of `api`."""
    return api.user()

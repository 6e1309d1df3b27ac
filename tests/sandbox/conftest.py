"""Fixtures of the sandbox tests: one cluster a worker, databases and platforms copied from one template."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.postgres import Cluster
from sandbox.tts.database.setup import prepare_template
from tests.sandbox.platform_fixtures import Actor, BackgroundLoop, RunningPlatform, running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running Postgres."""
    with Cluster.start() as started:
        yield started


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """Name of the template database with the newest schema."""
    return prepare_template(cluster)


@pytest.fixture(scope="session")
def loop() -> Iterator[BackgroundLoop]:
    """An event loop in a thread."""
    started = BackgroundLoop()
    yield started
    started.close()


@pytest.fixture(scope="module")
def platform(cluster: Cluster, template: str, loop: BackgroundLoop) -> Iterator[RunningPlatform]:
    """A platform that the tests of a module share: leave its clock and its faults alone, make your own users."""
    with running(cluster, template, loop) as shared:
        yield shared


@pytest.fixture
def own_platform(cluster: Cluster, template: str, loop: BackgroundLoop) -> Iterator[RunningPlatform]:
    """A platform of this test alone: clock, faults and rows are its own."""
    with running(cluster, template, loop) as own:
        yield own


@pytest.fixture
def a(platform: RunningPlatform) -> Actor:
    """A fresh user of the shared platform."""
    return platform.user()


@pytest.fixture
def b(platform: RunningPlatform) -> Actor:
    """Another one."""
    return platform.user()

"""Baseline (b): plain pytest and httpx, one client, JUnit alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest

FILES = sorted(Path(os.environ["BENCH_CASES"]).rglob("*.json"))


@pytest.fixture(scope="session")
def client():
    with httpx.Client(base_url=os.environ["BENCH_URL"], trust_env=False) as client:
        yield client


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_item(client, file):
    case = json.loads(file.read_text())
    reply = client.get(case["request"]["path"])
    assert reply.status_code == case["expect"]["any"]["status"]
    assert reply.json() == case["expect"]["any"]["json"]

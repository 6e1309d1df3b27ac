from __future__ import annotations

import pytest

from tests.plugin.toy import ToyProject


@pytest.fixture
def project(tmp_path):
    return ToyProject(tmp_path)

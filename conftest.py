"""Registers the plugin and the fixtures."""

import pytest

pytest.register_assert_rewrite("fixtures")

pytest_plugins = [
    "rollout_gates.plugin",
    "fixtures.golden",
    "fixtures.playgrounds",
    "fixtures.tts",
    "fixtures.tts_matrix_credits",
    "fixtures.tts_matrix_modes",
    "fixtures.tts_matrix_pages",
    "fixtures.tts_matrix_speech",
    "fixtures.tts_preflight",
    "fixtures.tts_migration",
    "fixtures.tts_provider",
    "fixtures.tts_restoration",
    "fixtures.tts_row_policies",
    "fixtures.tts_slo",
    "fixtures.tts_security",
    "fixtures.tts_streaming",
    "fixtures.tts_security_abuse",
    "fixtures.tts_security_custody",
    "fixtures.tts_security_data",
]

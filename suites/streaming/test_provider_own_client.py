"""What the deployment itself says to its provider, as the provider's log shows it."""

import pytest

from fixtures.expectations.provider_realtime import (
    check_listens_to_the_end,
    check_one_create,
    check_own_events,
    check_own_handshake,
    check_says_finish,
)


@pytest.mark.clause("DS-RT-29")
def test_handshake_carries_key_and_model(provider_own_session):
    """The deployment's handshake carries its key and one model (DS-RT-29)."""
    check_own_handshake(provider_own_session, "DS-RT-29")


@pytest.mark.clause("DS-RT-30")
def test_events_are_what_the_provider_takes(own_session):
    """The deployment's events have ids of their own and valid values (DS-RT-30)."""
    check_own_events(own_session, "DS-RT-30")


@pytest.mark.clause("DS-RT-31")
def test_deployment_listens_to_the_end(finishing_session):
    """The deployment listens until session.finished (DS-RT-31)."""
    check_listens_to_the_end(finishing_session, "DS-RT-31")


@pytest.mark.clause("DS-RT-32")
def test_deployment_says_that_it_is_finished(own_session):
    """The deployment says session.finish when it has said its text (DS-RT-32)."""
    check_says_finish(own_session, "DS-RT-32")


@pytest.mark.clause("DS-REST-40")
def test_failed_create_is_not_repeated(failed_create):
    """The deployment does not repeat a create that failed (DS-REST-40)."""
    check_one_create(failed_create, "DS-REST-40")

"""Lists are complete, in order, in pages, and can be searched and filtered."""

import pytest

from fixtures.expectations.listing import check_complete, check_filter, check_no_filter, check_paging, check_search

CLAUSE = "TTS-CON-09"


@pytest.mark.clause("TTS-CON-09")
def test_voices_are_all_listed_newest_first(voice_list):
    """Every voice of the user is listed, of whichever provider, the newest first (TTS-CON-09)."""
    check_complete(voice_list, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_voices_come_in_pages(voice_list):
    """Voices come in pages of the size asked for (TTS-CON-09)."""
    check_paging(voice_list, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_voices_are_searched_by_name(voice_list):
    """A search finds voices by a part of their name, in any letter case (TTS-CON-09)."""
    check_search(voice_list, "name", CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_voices_are_filtered_by_source(voice_list):
    """The source filter lets uploaded or designed voices through, and ignores other words (TTS-CON-09)."""
    check_filter(voice_list, "source", ("uploaded", "designed"), CLAUSE)
    check_no_filter(voice_list, "source=other", CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_are_all_listed_newest_first(generation_list):
    """Every generation of the user is listed, the newest first (TTS-CON-09)."""
    check_complete(generation_list, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_come_in_pages(generation_list):
    """Generations come in pages of the size asked for (TTS-CON-09)."""
    check_paging(generation_list, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_are_searched_by_text(generation_list):
    """A search finds generations by a part of their text, in any letter case (TTS-CON-09)."""
    check_search(generation_list, "text", CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_are_filtered_by_status(generation_list):
    """The status filter is exact, knows all, and finds nothing under a word that is no status (TTS-CON-09)."""
    check_filter(generation_list, "status", ("completed", "cancelled", "nonsense"), CLAUSE)
    check_no_filter(generation_list, "status=all", CLAUSE)

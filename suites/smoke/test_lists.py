"""Lists are complete, in order, in pages, and can be searched and filtered."""

import pytest

from fixtures.expectations.listing import check_complete, check_filter, check_no_filter, check_paging, check_search

CLAUSE = "TTS-CON-09"


@pytest.mark.clause("TTS-CON-09")
def test_voices_are_all_listed_newest_first(lists):
    """Every voice of the user is listed, of whichever provider, the newest first (TTS-CON-09)."""
    check_complete(lists.voices, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_voices_come_in_pages(lists):
    """Voices come in pages of the size asked for (TTS-CON-09)."""
    check_paging(lists.voices, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_voices_are_searched_by_name(lists):
    """A search finds voices by a part of their name, in any letter case (TTS-CON-09)."""
    check_search(lists.voices, "name", lists.word, lists.nothing, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_voices_are_filtered_by_source(lists):
    """The source filter lets uploaded or designed voices through, and ignores other words (TTS-CON-09)."""
    check_filter(lists.voices, "source", ("uploaded", "designed"), CLAUSE)
    check_no_filter(lists.voices, "source=other", CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_are_all_listed_newest_first(lists):
    """Every generation of the user is listed, the newest first (TTS-CON-09)."""
    check_complete(lists.generations, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_come_in_pages(lists):
    """Generations come in pages of the size asked for (TTS-CON-09)."""
    check_paging(lists.generations, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_are_searched_by_text(lists):
    """A search finds generations by a part of their text, in any letter case (TTS-CON-09)."""
    check_search(lists.generations, "text", lists.word, lists.nothing, CLAUSE)


@pytest.mark.clause("TTS-CON-09")
def test_generations_are_filtered_by_status(lists):
    """The status filter is exact, knows all, and finds nothing under a word that is no status (TTS-CON-09)."""
    check_filter(lists.generations, "status", ("completed", "cancelled", "nonsense"), CLAUSE)
    check_no_filter(lists.generations, "status=all", CLAUSE)

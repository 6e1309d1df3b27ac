"""What a run leaves behind: events, transcripts, reports."""

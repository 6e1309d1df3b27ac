"""One client package a system: it speaks to the system and asserts nothing."""

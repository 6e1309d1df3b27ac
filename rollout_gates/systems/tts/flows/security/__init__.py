"""Flows of the security gate."""

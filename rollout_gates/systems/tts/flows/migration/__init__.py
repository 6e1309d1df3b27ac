"""Flows about the database's migration: its files, a rehearsal, the deployed database, two moments, the order."""

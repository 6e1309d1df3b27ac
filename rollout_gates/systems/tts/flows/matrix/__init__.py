"""Flows of the mode matrix: scenarios beyond what the smoke gate acts out."""

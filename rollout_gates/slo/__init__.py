"""Objectives over windows of time: samples, sequential tests of known error rate, and the rule that asks to go back.

Nothing here knows a system. A flow brings samples; `judging` says for each objective and window whether it was met,
missed beyond chance, or cannot be told, and why not; `abort` names the rules that ask for restoration.
"""

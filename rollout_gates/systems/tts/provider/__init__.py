"""The qwen provider itself: clients of its two protocols, and the rules that its answers have to keep.

Contract: docs/contracts/dashscope-protocol.md. The clients act and record; the rules in `conformance` are pure.
"""

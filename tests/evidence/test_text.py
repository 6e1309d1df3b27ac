"""Text from outside, made fit for a page."""

from __future__ import annotations

import pytest

from rollout_gates.evidence.text import clip, count, duration, one_line, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x08c", "a\ufffdb\ufffdc"),
        ("tab\tand\r\nline\rend", "tab\tand\nline\nend"),
        ("\u202eevil\u2066", "\ufffdevil\ufffd"),
        ("\ud800", "\ufffd"),
        ("grüße ☃ 日本", "grüße ☃ 日本"),
        (None, "None"),
    ],
)
def test_terminal_codes_and_control_characters_go(text, shown):
    assert plain(text) == shown


def test_a_line_is_one_line_and_of_bounded_length():
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


def test_a_cut_text_says_how_much_was_cut():
    assert clip("x" * 2000, 10) == "x" * 10 + "\n… 1,990 more characters"
    assert clip("short", 10) == "short"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"),
        (0.0002, "<1 ms"),
        (0.0354, "35 ms"),
        (4.25, "4.2 s"),
        (187, "3 min 07 s"),
        (7500, "2 h 05 min"),
        (None, "unknown"),
    ],
)
def test_durations_read_like_durations(seconds, shown):
    assert duration(seconds) == shown


def test_a_noun_follows_its_number():
    assert [count(1, "check"), count(2000, "check"), count(2, "entry", "entries")] == [
        "1 check",
        "2,000 checks",
        "2 entries",
    ]


@pytest.mark.parametrize("block", range(0, 0x110000, 0x10000), ids=hex)
def test_the_short_way_through_lets_no_character_pass_that_the_long_way_stops(block):
    # A line end is never printable, so the text that begins with one goes the long way.
    letters = map(chr, range(block, block + 0x10000))

    assert [letter for letter in letters if plain(f"a{letter}b") != plain(f"\na{letter}b")[1:]] == []

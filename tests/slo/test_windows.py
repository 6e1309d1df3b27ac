from __future__ import annotations

import pytest

from rollout_gates.slo.windows import Window, back_to_back, duration_s


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1.5m", 90), ("7d", 604_800)]
)
def test_a_duration_is_read(text, seconds):
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "30 m", "30m later", "-5m", "0s", "8d", "1y", "30M"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is not"):
        duration_s(text)


def test_windows_lie_back_to_back():
    windows = back_to_back(1000.0, 60.0, 3)

    assert windows == (Window(820, 880), Window(880, 940), Window(940, 1000))
    assert [sum(at in window for window in windows) for at in (819.9, 820, 879.9, 880, 999.9, 1000)] == [
        0,
        1,
        1,
        1,
        1,
        0,
    ]


def test_a_window_says_how_much_of_it_is_over():
    window = Window(100, 200)

    assert [window.share(now) for now in (50, 100, 125, 200, 300)] == [0, 0, 0.25, 1, 1]
    assert str(window) == "00:01:40 to 00:03:20 UTC"

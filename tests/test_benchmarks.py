"""The figures that benchmarks are judged by; what they measure is run by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from figures import Aim, run, write
from mode_matrix import by_cell, checks, flows
from overhead import Row, aims, grown, growth
from smoke_wall import Span, longest_chain, spans


def row(size: int, wall_s: float, delay_ms: int = 0, ratio: float = 1.0) -> Row:
    ratios = dict.fromkeys(("bare", "aio", "plain"), ratio)
    return Row(size, delay_ms, {"ours": wall_s}, {"ours": wall_s}, ratios, peak_mib=100)


def test_the_chain_goes_back_from_the_flow_that_ended_last():
    flows = [Span("clone", 0, 2), Span("short", 0, 1), Span("burst", 2.001, 3), Span("late", 2.5, 2.8)]

    assert [span.name for span in longest_chain(flows)] == ["clone", "burst"]


def test_flows_that_ran_beside_each_other_are_no_chain():
    assert [span.name for span in longest_chain([Span("a", 0, 2), Span("b", 1, 3)])] == ["b"]
    assert longest_chain([]) == []


def test_a_flow_is_read_from_its_last_event():
    line = '{"t":"2026-03-01T12:00:02.500Z","event":"flow_finished","flow":"clone","duration_s":1.5}'
    other = '{"t":"2026-03-01T12:00:03.000Z","event":"note","text":"flow_finished"}'

    (found,) = spans([line, other])

    assert (found.name, round(found.end - found.start, 6)) == ("clone", 1.5)


def test_flows_are_listed_by_what_they_took():
    lines = [
        json.dumps({"event": "flow_finished", "cell": cell, "flow": flow, "duration_s": seconds})
        for cell, flow, seconds in [("b", "short", 1.0), ("a", "long", 3.0), ("a", "middle", 2.0), (None, "none", 0.5)]
    ]

    found = flows([*lines, '{"event":"note"}'])

    assert [spent.name for spent in found] == ["long", "middle", "short", "none"]
    assert by_cell(found) == {"": 0.5, "a": 5.0, "b": 1.0}
    assert [spent.name for spent in checks({"checks": [{"nodeid": "suites/a.py::b", "duration_s": 1}]})] == ["a.py::b"]


@pytest.mark.parametrize(("wall_s", "factor"), [(4.0, 1.0), (2.0, 0.5), (8.0, 2.0)])
def test_growth_of_one_is_linear(wall_s, factor):
    assert grown(row(500, 1.0), row(2000, wall_s)) == factor
    assert f"wall grows {factor:.2f} times as fast" in growth([row(500, 1.0), row(2000, wall_s)])[0]


def test_each_delay_has_the_aim_that_was_set_for_it():
    judged = {aim.name: aim.met for aim in aims([row(500, 1, 0, 1.4), row(500, 1, 20, 1.4)])}

    assert judged == {
        "500 checks, 0 ms: wall beside plain pytest": False,
        "500 checks, 20 ms: wall beside the bare client": True,
        "peak memory in MiB": True,
    }


def test_figures_are_written_with_their_machine_and_aims(tmp_path):
    write(tmp_path / "figures.json", {"rounds": 5}, [Aim("a thing", 2.0, 1.5)])

    told = json.loads((tmp_path / "figures.json").read_text())

    assert told["aims"] == [{"name": "a thing", "figure": 2.0, "most": 1.5, "met": False}]
    assert told["rounds"] == 5
    assert {"date", "processors", "python", "load"} <= told["machine"].keys()


def test_a_process_is_measured_to_its_end():
    sample = run([sys.executable, "-c", "print('done')"])

    assert sample.output == "done\n"
    assert 0 < sample.cpu_s < 30
    assert sample.peak_mib > 1


def test_a_process_that_fails_ends_the_benchmark_with_its_output():
    with pytest.raises(SystemExit, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"])

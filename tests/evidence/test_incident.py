"""The incident record: filled in from evidence, blank where that says nothing, and complete once people filled in the rest."""

from __future__ import annotations

import pytest

from rollout_gates.cli import main
from rollout_gates.evidence.files import digest
from rollout_gates.evidence.incident import BLANK, SECTIONS, gaps, render_incident
from rollout_gates.evidence.render import render
from rollout_gates.evidence.verify import verify
from tests.evidence import story


def flipped(directory):
    """A run that found something, flipped the target back, and saw that it was."""
    told = story.Story(directory).begin(owners={"SHOP-": "team-shop"}).collect()
    told.log.append("check_started", nodeid=story.node("SHOP-SMOKE-03"))
    told.check("SHOP-SMOKE-03", "failed", message="GET /orders | returned 500, expected 200 [SHOP-SMOKE-03]")
    told.check_rest("SHOP-SMOKE-03")
    told.log.append(
        "change_planned", system="shop", cell="", worker="main", what="payment mode", to="invoice", home="invoice",
        remedy="./flip invoice", command="./flip invoice", why="to put the declared mode back",
    )  # fmt: skip
    told.log.append(
        "change_made", system="shop", cell="", worker="main", what="payment mode", to="invoice", home="invoice",
        status=0, output="", took_s=12.5, shown_after_s=1.5, problem="",
    )  # fmt: skip
    told.end("NO-GO", 1)
    render(directory)
    return directory


@pytest.fixture
def record(tmp_path):
    return render_incident(verify(flipped(tmp_path / "run")))


def section(text, title):
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0].strip()


def test_it_has_every_section_in_order(record):
    titles = [line[3:] for line in record.splitlines() if line.startswith("## ")]

    assert titles == list(SECTIONS)
    assert all(section(record, title) for title in SECTIONS)


def test_times_are_in_utc_and_the_time_to_restore_is_measured(record):
    times = section(record, "Times")

    assert "| Run started | 2026-03-14T09:26:5" in times
    assert "| First seen by the run | 2026-03-14T09:2" in times
    assert "| payment mode set to invoice | 2026-03-14T09:2" in times
    assert "| Time to restore | 14.0 s: the command 12.5 s, then 1.5 s until it was seen |" in times


def test_it_tells_trigger_actions_type_and_owner(record):
    assert "**SHOP-SMOKE-03** (critical): A basket becomes an order" in section(record, "Trigger")
    assert "`GET /orders | returned 500, expected 200 [SHOP-SMOKE-03]`" in section(record, "Trigger")
    assert "payment mode to invoice (to put the declared mode back): `./flip invoice`; status 0" in record
    assert section(record, "Rollback type").startswith("- configuration: payment mode of shop put back")
    assert "Of what was red: team-shop" in section(record, "Owner")
    assert "| shop: payment mode | invoice |" in section(record, "Mode at start")


def test_it_names_the_evidence_by_its_digests(record, tmp_path):
    evidence = section(record, "Evidence")

    assert digest(tmp_path / "run" / "evidence.json") in evidence
    assert digest(tmp_path / "run" / "events.jsonl") in evidence
    assert str(tmp_path / "run") in evidence


def test_follow_ups_have_owner_and_day(record):
    assert "| SHOP-SMOKE-03: red | team-shop | 2026-03-15 |" in section(record, "Follow-ups")


def test_what_evidence_cannot_tell_is_blank_and_found(record):
    assert gaps(record) == [f"section {title!r} has a blank" for title in ("Times", "Owner")]


def test_a_record_that_people_completed_has_no_gaps(record):
    finished = record.replace("\\_" * 6, "2026-03-14T09:20:00Z").replace(BLANK, "C. Person")

    assert gaps(finished) == []


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_that_is_missing_or_empty_is_found(record, title):
    finished = record.replace("\\_" * 6, "2026-03-14T09:20:00Z").replace(BLANK, "C. Person")

    assert f"it has no section {title!r}" in gaps(finished.replace(f"## {title}\n", f"## Not {title}\n"))
    emptied = finished.replace(section(finished, title), "")
    assert f"section {title!r} is empty" in gaps(emptied)


def test_times_that_are_not_utc_and_evidence_without_digest_are_found():
    text = "\n".join(f"## {title}\n\nsomething on Monday\n" for title in SECTIONS)

    assert gaps(text) == [
        "section 'Times' has no time in UTC, such as 2026-11-28T09:00:00Z",
        "section 'Evidence' has no SHA-256 of anything",
    ]
    assert len(gaps("")) == len(SECTIONS)


@pytest.mark.parametrize("name", ["go", "no_go", "inconclusive", "crash", "import_error", "waived"])
def test_any_run_can_be_told(tmp_path, name):
    directory = getattr(story, name)(tmp_path / name)

    text = render_incident(verify(directory))

    assert all(f"## {title}\n" in text for title in SECTIONS)
    assert gaps(text) != []


def test_what_a_target_said_stays_text(tmp_path):
    told = story.Story(tmp_path).begin().collect()
    told.check("SHOP-SMOKE-03", "failed", message="` | <script>\n## Owner\n\nnobody")
    told.check_rest("SHOP-SMOKE-03")
    told.end("NO-GO", 1)

    text = render_incident(verify(tmp_path))

    assert text.count("\n## Owner\n") == 1
    assert "`` ` | <script> ``" in text


# --- the command


def shown(capsys, *arguments):
    status = main(["incident", *map(str, arguments)])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_the_command_prints_the_record(tmp_path, capsys):
    directory = flipped(tmp_path / "run")

    status, text, _ = shown(capsys, directory)

    assert status == 0
    assert text == render_incident(verify(directory))


def test_the_command_writes_the_record_once_and_never_into_the_evidence(tmp_path, capsys):
    directory = flipped(tmp_path / "run")

    assert shown(capsys, directory, "--into", tmp_path / "incident.md")[0] == 0
    assert (tmp_path / "incident.md").read_text() == render_incident(verify(directory))
    assert shown(capsys, directory, "--into", tmp_path / "incident.md")[0] == 4
    assert shown(capsys, directory, "--into", directory / "incident.md")[0] == 4
    assert verify(directory).whole


def test_damaged_evidence_is_told_in_the_record(tmp_path, capsys):
    directory = flipped(tmp_path / "run")
    (directory / "junit.xml").write_text("")

    status, text, _ = shown(capsys, directory)

    assert status == 6
    assert "**The evidence is not whole**: `junit.xml: was changed" in text


def test_no_evidence_is_no_record(tmp_path, capsys):
    assert shown(capsys, tmp_path / "nowhere")[0] == 4
    assert shown(capsys, tmp_path)[0] == 6

"""index.html: self-contained, safe from what a target says, small enough to open."""

from __future__ import annotations

import html.parser
import json
import re
from pathlib import Path

import pytest

from rollout_gates.evidence import exchanges
from rollout_gates.evidence.front_end import FrontEndChanged
from rollout_gates.evidence.html import _with_policy
from rollout_gates.evidence.render import render
from tests.evidence import story

ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \x1b[31mred\x1b[0m {{ 1337*1337 }} '\"><svg/onload=alert(3)>"


class Page(html.parser.HTMLParser):
    """What a browser would make of a page: its elements, its scripts, its text."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.source = (directory / "index.html").read_text()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self._inside = ""
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self._inside = tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        (self.scripts if self._inside == "script" else self.text).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> dict:
        return json.loads(next(text for text in self.scripts if text.startswith('{"checks"')))

    @property
    def blob(self) -> dict:
        found = next(attributes for attributes in self.of("div") if "data-jsonblob" in attributes)
        return json.loads(found["data-jsonblob"] or "")


def exchange(number: int, **changes) -> dict:
    return {
        "id": f"main-{number}",
        "t": "2026-03-14T09:26:54.100+00:00",
        "actor": "buyer_a",
        "method": "POST",
        "url": "https://shop.example/orders",
        "request_headers": [["authorization", "Bearer [redacted:user_a_token]"]],
        "request_body": '{"reason":"because"}',
        "status": 200,
        "response_headers": [["content-type", "application/json"]],
        "response_body": '{"ok":true}',
        "first_byte_s": 0.03,
        "elapsed_s": 0.0354,
        "retry_of": None,
        "fault": None,
        "error": None,
        "note": None,
        "curl": 'curl --include https://shop.example/orders --header "authorization: Bearer $TOKEN"',
    } | changes


def attacked(directory: Path) -> Path:
    """A run in which everything that can come from outside is an attack."""
    story.write_transcript(
        directory,
        "order",
        [
            exchange(
                1,
                actor=ATTACK,
                method=ATTACK,
                url=ATTACK,
                request_headers=[[ATTACK, ATTACK]],
                response_body=ATTACK,
                error=ATTACK,
                curl=ATTACK,
            )
        ],
    )
    run = story.Story(directory).begin(env=ATTACK, revision=ATTACK, argv=[ATTACK], versions={ATTACK: ATTACK}).collect()
    run.flow(ATTACK, 1.0, ATTACK)
    run.log.append("note", text=ATTACK)
    run.log.append("problem", text=ATTACK)
    run.log.append("spend", system=ATTACK, what=ATTACK, amount=1)
    run.log.append("resource_planned", system=ATTACK, kind=ATTACK, id=ATTACK, owner=ATTACK, how=ATTACK)
    run.log.append("check_finished", nodeid=f"suites/x.py::test[{ATTACK}]", outcome="failed", message=ATTACK)
    run.check_rest("SHOP-CON-03")
    run.check(
        "SHOP-CON-03", "failed", message=ATTACK, exchanges=[{"transcript": "transcripts/order.jsonl", "id": None}]
    )
    run.end("NO-GO", 1)
    render(directory)
    return directory


def test_what_a_target_says_never_becomes_markup(tmp_path):
    page = Page(attacked(tmp_path))

    assert page.of("img") == [{"src": ""}]
    assert {name for name, _ in page.elements if name in ("iframe", "object", "embed", "base", "form")} == {"form"}
    assert not [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)]
    assert len(page.of("script")) == 3
    assert "alert(1)" not in "".join(text for text in page.scripts if not text.startswith('{"checks"'))
    assert "1787569" not in "".join(page.text)


def test_cells_that_the_front_end_sets_as_markup_are_escaped(tmp_path):
    blob = Page(attacked(tmp_path)).blob

    shown = [cell for rows in blob["tests"].values() for row in rows for cell in row["resultsTableRow"]]
    shown += list(blob["environment"].values())
    assert not [cell for cell in shown if re.search(r"<(?!/?td\b)", cell)]
    assert any("&lt;script&gt;" in cell for cell in shown)


def test_terminal_codes_are_taken_out(tmp_path):
    assert "\x1b" not in Page(attacked(tmp_path)).source


def test_only_the_two_scripts_of_the_page_are_allowed(evidence):
    page = Page(evidence("go"))

    policy = next(row["content"] for row in page.of("meta") if row.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-\S+' 'sha256-\S+'; style-src 'unsafe-inline'; "
        r"img-src data:; media-src data:; base-uri 'none'; form-action 'none'",
        policy,
    )


def test_a_page_with_one_script_too_many_is_refused():
    with pytest.raises(FrontEndChanged, match="has 3 scripts where it should have two"):
        _with_policy("<script>1</script><script>2</script><script>3</script>")


def test_the_page_asks_for_nothing_from_outside(evidence):
    page = Page(evidence("no_go"))

    fetched = [
        value for name, attributes in page.elements for key, value in attributes.items() if value
        and (key in ("src", "srcset", "poster", "data") or (key == "href" and name == "link"))
    ]  # fmt: skip
    assert all(value.startswith("data:") for value in fetched)
    assert not re.search(r"@import|url\((?!data:)", "".join(page.text))


@pytest.mark.parametrize(
    ("name", "word", "symbol"), [("go", "GO", "✔"), ("no_go", "NO-GO", "✘"), ("inconclusive", "INCONCLUSIVE", "?")]
)
def test_the_verdict_is_said_by_word_symbol_and_colour(evidence, name, word, symbol):
    page = Page(evidence(name))

    assert {"class": f"banner {word}"} in page.of("header")
    said = "".join(page.text)
    assert word in said
    assert symbol in said
    assert f'<title id="head-title">{word} · smoke or security · staging</title>' in page.source


def test_the_banner_tells_what_was_run_where(evidence):
    said = " ".join(" ".join(Page(evidence("go")).text).split())

    for fact in (
        "Environment staging (staging)",
        "System shop (mode invoice, lane express)",
        "2026-03-14 09:26:53 UTC",
        "Revision 3f2a9c1d7b",
        "strict (judged by): 10 clauses",
        "runbook : 7 clauses",
        "pytest -m 'smoke or security' --env=staging",
    ):
        assert fact in said


def test_clauses_are_sorted_by_what_needs_attention(evidence):
    page = Page(evidence("no_go"))

    rows = [attributes for attributes in page.of("tbody") if attributes.get("data-clause")]
    assert [row["data-clause"] for row in rows[:4]] == ["SHOP-SMOKE-04", "SHOP-CON-03", "SHOP-SEC-01", "SHOP-SMOKE-01"]
    assert [row["data-outcome"] for row in rows][-1] == "not applicable"


def test_a_blocker_shows_the_message_of_its_failing_check(evidence):
    said = "".join(Page(evidence("no_go")).text)

    assert "What keeps it from being GO" in said
    assert "left 1 charge of 12.00 EUR, expected none [SHOP-SMOKE-04]" in said
    assert "user_b_token is not set" in said


def test_a_blocker_names_the_checks_that_failed_not_those_that_passed(tmp_path):
    run = story.Story(tmp_path).begin().collect().check_rest()
    for number in range(3):
        node = f"suites/contract/test_prices.py::test_case[{number}]"
        outcome = "failed" if number == 2 else "passed"
        run.check("SHOP-CON-04", outcome, nodeid=node, message="no currency" if number == 2 else "")
    render(run.end("NO-GO", 1))

    page = Page(tmp_path)
    card = page.source.split('<article class="blocker red">')[1].split("</article>")[0]
    assert "test_case[2]" in card
    assert "test_case[1]" not in card
    first = page.data["clauses"]["SHOP-CON-04"][0]
    assert page.data["checks"][first]["name"].endswith("test_case[2]")
    assert "Check: `suites/contract/test_prices.py::test_case[2]` · Owner" in (tmp_path / "go-no-go.md").read_text()


def test_a_clean_run_shows_no_blockers(evidence):
    assert "What keeps it from being GO" not in Page(evidence("go")).source


def test_trouble_with_the_run_is_on_top(evidence):
    said = "".join(Page(evidence("import_error")).text)

    assert "could not collect suites/denial/test_denial.py: No module named 'nowhere'" in said
    assert "SHOP-SEC-01" in said


def test_every_check_has_a_row_with_its_outcome(evidence):
    page = Page(evidence("no_go"))

    results = {node: rows[0]["result"] for node, rows in page.blob["tests"].items()}
    assert len(results) == 10
    assert results[story.node("SHOP-SMOKE-04")] == "failed"
    assert results[story.node("SHOP-SEC-01")] == "xfailed"
    assert page.data["clauses"]["SHOP-SEC-02"] == []


def test_a_check_opens_to_what_it_saw(tmp_path):
    story.write_transcript(
        tmp_path, "order", [exchange(1), exchange(2, status=None, error="timed out", retry_of="main-1")]
    )
    run = story.Story(tmp_path).begin().collect()
    render(run.check_rest(exchanges=[{"transcript": "transcripts/order.jsonl", "id": None}]).end())

    data = Page(tmp_path).data
    assert data["checks"][0]["saw"] == [["transcripts/order.jsonl", None]]
    assert data["transcripts"] == {"transcripts/order.jsonl": {"shown": [0, 1], "more": False}}
    first, second = data["exchanges"]
    assert first["curl"].endswith('"authorization: Bearer $TOKEN"')
    assert (first["sent"]["body"], first["got"]["body"]) == ('{"reason":"because"}', '{"ok":true}')
    assert second["remarks"] == ["timed out", "a retry of main-1"]


def test_only_the_exchanges_that_a_check_names_are_shown(tmp_path):
    story.write_transcript(tmp_path, "order", [exchange(number) for number in range(5)])
    run = story.Story(tmp_path).begin().collect().check_rest("SHOP-CON-01")
    render(run.check("SHOP-CON-01", exchanges=[{"transcript": "transcripts/order.jsonl", "id": "main-3"}]).end())

    assert [seen["id"] for seen in Page(tmp_path).data["exchanges"]] == ["main-3"]


def test_an_exchange_that_a_check_names_is_shown_however_many_there_are(tmp_path):
    story.write_transcript(tmp_path, "order", [exchange(number) for number in range(500)])
    run = story.Story(tmp_path).begin().collect().check_rest("SHOP-CON-01", "SHOP-CON-02")
    run.check("SHOP-CON-01", exchanges=[{"transcript": "transcripts/order.jsonl", "id": None}])
    run.check("SHOP-CON-02", exchanges=[{"transcript": "transcripts/order.jsonl", "id": "main-400"}])
    render(run.end())

    shown = Page(tmp_path).data
    assert len(shown["exchanges"]) == exchanges.PER_TRANSCRIPT + 1
    assert shown["exchanges"][-1]["id"] == "main-400"
    assert shown["transcripts"]["transcripts/order.jsonl"]["more"] is True


def test_a_transcript_that_was_never_written_is_not_pointed_at(tmp_path):
    run = story.Story(tmp_path).begin().collect()
    document = render(run.check_rest(exchanges=[{"transcript": "transcripts/summary.jsonl", "id": None}]).end())

    assert document["checks"][0]["transcript"] is None
    assert document["checks"][0]["exchanges"] == []


def test_bodies_are_cut_and_the_cut_is_told(tmp_path):
    bodies = [
        "x" * 50_000,
        {"bytes": 9, "sha256": "ab" * 32},
        {"text": "y" * 9000, "bytes": 70_000, "sha256": "cd" * 32},
    ]
    story.write_transcript(tmp_path, "order", [exchange(n, response_body=body) for n, body in enumerate(bodies)])
    run = story.Story(tmp_path).begin().collect()
    render(run.check_rest(exchanges=[{"transcript": "transcripts/order.jsonl", "id": None}]).end())

    shown = [seen["got"]["body"] for seen in Page(tmp_path).data["exchanges"]]
    assert shown[0].endswith("\n… 44,000 more characters")
    assert shown[1] == f"[9 bytes, SHA-256 {'ab' * 32}]"
    assert shown[2].endswith(f"… 3,000 more characters\n[70000 bytes, SHA-256 {'cd' * 32}]")


@pytest.mark.parametrize("name", ["../secret.jsonl", "/etc/hostname", "transcripts/absent.jsonl"])
def test_a_transcript_outside_of_the_evidence_is_not_read(tmp_path, name):
    (tmp_path / "secret.jsonl").write_text(json.dumps(exchange(1)))
    check = {"outcome": "passed", "exchanges": [{"transcript": name, "id": None}]}

    assert exchanges.shown_exchanges({"checks": [check]}, tmp_path / "evidence").exchanges == []


def test_failing_checks_get_the_room_first(tmp_path, monkeypatch):
    for name in ("passing", "failing"):
        story.write_transcript(tmp_path, name, [exchange(1, response_body=name * 40)])
    run = story.Story(tmp_path).begin().collect()
    run.check_rest("SHOP-SMOKE-05", exchanges=[{"transcript": "transcripts/passing.jsonl", "id": None}])
    run.check("SHOP-SMOKE-05", "failed", exchanges=[{"transcript": "transcripts/failing.jsonl", "id": None}])
    document = render(run.end("NO-GO", 1))

    shown = exchanges.shown_exchanges(document, tmp_path, budget=1000)
    assert shown.transcripts == {
        "transcripts/failing.jsonl": {"shown": [0], "more": False},
        "transcripts/passing.jsonl": {"shown": [], "more": True},
    }


def test_two_thousand_checks_stay_below_ten_megabytes(tmp_path):
    story.large(tmp_path, checks=2000)
    render(tmp_path)

    assert (tmp_path / "index.html").stat().st_size < 10_000_000
    assert len(Page(tmp_path).blob["tests"]) == 2000


def test_flows_stand_on_a_timeline(evidence):
    page = Page(evidence("no_go"))

    labels = [row.get("aria-label") for row in page.of("svg") if row.get("role") == "img"]
    assert "order: from 0 ms, 2.5 s" in labels
    assert any(row.get("class") == "bad" for row in page.of("rect"))

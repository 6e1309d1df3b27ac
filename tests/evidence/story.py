"""Makes event logs that look like those of real runs, of an invented system."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rollout_gates.evidence.events import EventLog

START = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
GATES = {"SMOKE": ["smoke"], "CON": ["smoke", "mode-matrix"], "SEC": ["security"]}
SUBJECTS = {"SMOKE": "first_sale", "CON": "contract", "SEC": "denial"}


def row(clause: str, title: str, **changes: Any) -> dict[str, Any]:
    """One row of an ``expected`` event."""
    gates = GATES[clause.split("-")[1]]
    plain = {
        "id": clause,
        "system": "shop",
        "gate": gates[0],
        "gates": gates,
        "title": title,
        "severity": "high",
        "source": "R",
        "required": True,
        "applicable": True,
        "why_not": "",
        "unconfigured": "",
        "waiver": None,
    }
    return plain | changes


CLAUSES = (
    row("SHOP-SMOKE-01", "The shop says that it is up", severity="critical"),
    row("SHOP-SMOKE-02", "The advertised payment provider is the configured one"),
    row("SHOP-SMOKE-03", "A basket becomes an order, and the order can be read back", severity="critical"),
    row("SHOP-SMOKE-04", "A cancelled order takes no money", severity="critical"),
    row("SHOP-SMOKE-05", "An order without a token is refused"),
    row("SHOP-CON-01", "Error bodies have the agreed shape", source="D", severity="medium"),
    row("SHOP-CON-02", "Every answer has a request id", source="KR", severity="low"),
    row("SHOP-CON-03", "Unknown routes answer in JSON", source="KR", severity="medium"),
    row("SHOP-CON-04", "Prices carry a currency", severity="medium"),
    row("SHOP-SEC-01", "One buyer never sees the order of another", severity="critical"),
    row(
        "SHOP-SEC-02",
        "Old card numbers are refused",
        applicable=False,
        why_not="applies in mode card only, the mode is invoice",
        severity="high",
    ),
)


class Story:
    """Appends a plausible run to ``events.jsonl`` in *directory*, a bit of time passing at every event."""

    def __init__(self, directory: Path, clauses: Iterable[Mapping[str, Any]] = CLAUSES) -> None:
        self.directory = directory
        self.clauses = [dict(clause) for clause in clauses]
        self.clock = START
        self.log = EventLog(directory / "events.jsonl", now=self._tick)

    def _tick(self) -> str:
        self.clock += timedelta(milliseconds=40)
        return self.clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def pass_time(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def begin(self, **changes: Any) -> Story:
        run = {
            "id": "20260314T092653Z-c0ffee",
            "started": START.isoformat(),
            "env": "staging",
            "kind": "staging",
            "profile": "strict",
            "markers": "smoke or security",
            "gates": ["smoke", "security"],
            "systems": ["shop"],
            "revision": "3f2a9c1d7b",
            "argv": ["pytest", "-m", "smoke or security", "--env=staging"],
            "versions": {"python": "3.11.8", "pytest": "9.2.0", "rollout-gates": "0.1.0"},
            "environment_digest": "9b" * 32,
            "facts": {"shop": {"mode": "invoice", "lane": "express"}},
        }
        self.log.append("run_started", schema="rollout-gates/events/1", run=run | changes)
        self.log.append("expected", clauses=self.clauses)
        return self

    def collect(self) -> Story:
        checks = [
            {"nodeid": node(clause["id"]), "clauses": [clause["id"]]} for clause in self.clauses if clause["applicable"]
        ]
        self.log.append("collected", worker="main", checks=checks)
        return self

    def flow(self, name: str, seconds: float, error: str | None = None) -> Story:
        self.log.append("flow_started", system="shop", flow=name)
        self.pass_time(seconds)
        self.log.append("flow_finished", system="shop", flow=name, duration_s=seconds, error=error)
        return self

    def check(self, clause: str, outcome: str = "passed", **changes: Any) -> Story:
        self.log.append("check_started", nodeid=node(clause), worker="main")
        plain = {
            "nodeid": node(clause),
            "outcome": outcome,
            "reason": None,
            "message": "",
            "duration_s": 0.012,
            "clauses": [clause],
            "exchanges": [],
            "assertions": 2,
            "worker": "main",
        }
        self.log.append("check_finished", **(plain | changes))
        return self

    def check_rest(self, *but: str, **changes: Any) -> Story:
        for clause in self.clauses:
            if clause["applicable"] and clause["id"] not in but:
                self.check(clause["id"], **changes)
        return self

    def end(self, verdict: str = "GO", exit_status: int = 0) -> Path:
        self.log.append("session_finished")
        self.log.append("run_finished", verdict=verdict, exit_status=exit_status, finished=self.clock.isoformat())
        return self.stop()

    def stop(self) -> Path:
        """End without an ending, as a killed run does."""
        self.log.close()
        return self.directory


def node(clause: str) -> str:
    subject = SUBJECTS[clause.split("-")[1]]
    return f"suites/{subject}/test_{subject}.py::test_{clause.lower().replace('-', '_')}_holds"


def go(directory: Path) -> Path:
    return Story(directory).begin().collect().flow("order", 1.5).check_rest().end()


def no_go(directory: Path) -> Path:
    story = Story(directory).begin().collect().flow("order", 2.5).flow("cancel", 1.25, "TimedOut")
    story.check_rest("SHOP-SMOKE-04", "SHOP-CON-03", "SHOP-SEC-01")
    story.check(
        "SHOP-SMOKE-04",
        "failed",
        message="POST /orders/7/cancel as 'buyer_a' left 1 charge of 12.00 EUR, expected none [SHOP-SMOKE-04]",
    )
    story.check("SHOP-CON-03", "failed", message="GET /nowhere answered text/html, expected application/json")
    story.check("SHOP-SEC-01", "inconclusive", reason="not configured", message="user_b_token is not set")
    return story.end("NO-GO", 1)


def inconclusive(directory: Path) -> Path:
    story = Story(directory).begin().collect().check_rest("SHOP-SMOKE-03")
    story.check("SHOP-SMOKE-03", "inconclusive", reason="source absent", message="shop.example refused the connection")
    return story.end("INCONCLUSIVE", 6)


def crash(directory: Path) -> Path:
    story = Story(directory).begin().collect()
    story.log.append("flow_started", system="shop", flow="order")
    story.log.append(
        "resource_planned", system="shop", kind="order", id="run-c0ffee-1", planned_id="run-c0ffee-1", owner="a"
    )
    story.check("SHOP-SMOKE-01").log.append("check_started", nodeid=node("SHOP-SMOKE-02"), worker="main")
    return story.stop()


def import_error(directory: Path) -> Path:
    story = Story(directory).begin()
    story.log.append(
        "collect_error",
        nodeid="suites/denial/test_denial.py",
        message="No module named 'nowhere'",
        clauses=["SHOP-SEC-01"],
    )
    return story.check_rest("SHOP-SEC-01").end("INCONCLUSIVE", 6)


def waived(directory: Path, expires: str = "2026-12-31") -> Path:
    waiver = {"clause": "SHOP-CON-03", "reason": "fixed in 4.2, see SHOP-77", "owner": "Kim", "expires": expires}
    clauses = [clause | {"waiver": waiver} if clause["id"] == "SHOP-CON-03" else clause for clause in CLAUSES]
    story = Story(directory, clauses).begin().collect().check_rest("SHOP-CON-03")
    return story.check("SHOP-CON-03", "failed", message="GET /nowhere answered text/html").end()


def write_transcript(directory: Path, name: str, exchanges: Iterable[Mapping[str, Any]]) -> None:
    path = directory / "transcripts" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for exchange in exchanges:
            file.write(json.dumps(exchange) + "\n")


def large(directory: Path, checks: int, body: int = 20_000) -> Path:
    """A run of very many checks, each with a transcript of its own, one in a hundred red."""
    clauses = [row(f"SHOP-CON-{number:03}", f"Rule {number} holds", source="D") for number in range(100)]
    story = Story(directory, clauses).begin(gates=["smoke"], markers="smoke")
    nodes = [f"suites/contract/test_contract.py::test_case_is_answered[{number}]" for number in range(checks)]
    claims = {node: [clauses[number % 100]["id"]] for number, node in enumerate(nodes)}
    rows = [{"nodeid": node, "clauses": clause} for node, clause in claims.items()]
    story.log.append("collected", worker="main", checks=rows)
    for number, node in enumerate(nodes):
        name = f"golden-shop-contract-case-{number}"
        story.log.append("flow_started", system="shop", flow=f"golden:shop/contract/case-{number}")
        story.log.append("flow_finished", system="shop", flow=f"golden:shop/contract/case-{number}", duration_s=0.02)
        write_transcript(directory, name, [large_exchange(number, body)])
        red = number % 1000 == 999
        story.log.append("check_started", nodeid=node)
        story.log.append(
            "check_finished",
            nodeid=node,
            outcome="failed" if red else "passed",
            message="POST /orders answered 500, expected 201 " + "x" * 500 if red else "",
            duration_s=0.003,
            clauses=claims[node],
            exchanges=[{"transcript": f"transcripts/{name}.jsonl", "id": None}],
            assertions=3,
            worker="main",
        )
    return story.end("NO-GO", 1)


def large_exchange(number: int, body: int) -> dict[str, Any]:
    return {
        "id": f"main-{number}",
        "t": START.isoformat(),
        "actor": "buyer_a",
        "method": "POST",
        "url": f"https://staging.shop.example/api/orders/{number}",
        "request_headers": [["authorization", "Bearer [redacted:user_a_token]"], ["content-type", "application/json"]],
        "request_body": '{"reason":"because"}',
        "status": 200,
        "response_headers": [["content-type", "application/json"], ["x-request-id", f"{number:032x}"]],
        "response_body": json.dumps({"filler": "é<&>'" * (body // 5)}),
        "first_byte_s": 0.02,
        "elapsed_s": 0.021,
        "retry_of": None,
        "fault": None,
        "error": None,
        "note": None,
        "curl": f"curl --include https://staging.shop.example/api/orders/{number}",
    }

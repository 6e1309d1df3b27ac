"""Violations of the realtime protocol that only the server's events show: P-01 to P-23 of its sheet, section 11.

Every event of a session passes through `Violations.of` on its way out. What is not a matter of single events (pairing,
keys, models, updates) is switched where the rule is kept.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.tts.providers.realtime_events import Response, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    Event = dict[str, Any]
    Rule = Callable[[Event], list[Any]]

DELTA = "response.audio.delta"
CREATED, UPDATED, FINISHED = "session.created", "session.updated", "session.finished"
# What stands among the events for a connection that is cut.
CUT = None


@dataclass
class Violations:
    """The violations of one session; *fault* says which are switched on. An event becomes what is sent instead."""

    fault: Callable[[str], bool]
    first_id: str = ""
    kept: Event | None = None
    deltas: int = 0
    committed: bool = False
    late: list[Event] = field(default_factory=list)

    def of(self, event: Event) -> list[Any]:
        """What is sent instead of *event*: events, texts, bytes, or CUT. Mostly just the event."""
        sent: list[Any] = [event]
        self.deltas += event["type"] == DELTA
        for name, rule in self._rules().items():
            if self.fault(name):
                sent = [new for one in sent for new in (rule(one) if one is event else [one])]
        if event["type"] == DELTA:
            self.kept = event
        self.first_id = self.first_id or event["event_id"]
        return sent

    def _rules(self) -> dict[str, Rule]:
        return {
            "P-01": lambda event: [event, _again(event)] if event["type"] == CREATED else [event],
            "P-02": self._another_session,
            "P-03": self._another_voice,
            "P-04": self._unasked,
            "P-05": self._uncommitted,
            "P-06": self._early_delta,
            "P-07": self._late_delta,
            "P-08": lambda event: self._first(event, delta="-_" + str(event.get("delta"))[2:]),
            "P-09": self._odd,
            "P-10": lambda event: [] if event["type"] == DELTA else [event],
            "P-11": lambda event: [{**event, "response_id": new_id("resp")}] if event["type"] == DELTA else [event],
            "P-12": lambda event: [{**event, "event_id": self.first_id}] if event["type"] == DELTA else [event],
            "P-13": self._out_of_order,
            "P-14": self._interleaved,
            "P-15": lambda event: self._first(event, output_index=1),
            "P-16": lambda event: [] if event["type"] == "response.done" else [event],
            "P-17": self._miscounted,
            "P-18": lambda event: [event, _again(event)] if event["type"] == FINISHED else [event],
            "P-19": lambda event: [CUT] if event["type"] == FINISHED else [event],
            "P-21": lambda event: self._before_first(event, b"\0\0", "no JSON", "[]"),
            "P-22": lambda event: self._before_first(event, _fresh("response.mood", mood="calm")),
            "P-23": lambda event: self._before_first(event, _fresh("error", error={})),
        }

    def _first(self, event: Event, **changes: Any) -> list[Any]:
        """The first delta with *changes*."""
        return [{**event, **changes}] if event["type"] == DELTA and self.deltas == 1 else [event]

    def _before_first(self, event: Event, *extra: Any) -> list[Any]:
        """*extra* ahead of the first delta."""
        return [*extra, event] if event["type"] == DELTA and self.deltas == 1 else [event]

    def _another_session(self, event: Event) -> list[Any]:
        return [_with(event, "session", id=new_id("sess"))] if event["type"] == UPDATED else [event]

    def _another_voice(self, event: Event) -> list[Any]:
        return [_with(event, "session", voice="Cherry", sample_rate=8000)] if event["type"] == UPDATED else [event]

    def _unasked(self, event: Event) -> list[Any]:
        """A whole response, with nothing to say, before any text was sent."""
        if event["type"] != UPDATED:
            return [event]
        response = Response(event["session"]["voice"], 0)
        response.status = "completed"
        place = response.place
        return [
            event,
            _fresh("response.created", response={**response.created(), "status": "in_progress"}),
            _fresh("response.output_item.added", response_id=response.id, output_index=0, item=response.item()),
            _fresh("response.content_part.added", **place, part={"type": "audio", "text": ""}),
            _fresh(DELTA, **place, delta="AAA="),
            _fresh("response.audio.done", **place),
            _fresh("response.content_part.done", **place, part={"type": "audio", "text": ""}),
            _fresh("response.output_item.done", response_id=response.id, output_index=0, item=response.item_done()),
            _fresh("response.done", response=response.done()),
        ]

    def _uncommitted(self, event: Event) -> list[Any]:
        """Committed once more than was asked for."""
        if event["type"] != "response.created":
            return [event]
        return [_fresh("input_text_buffer.committed", item_id=""), event]

    def _early_delta(self, event: Event) -> list[Any]:
        """The first delta comes before the part that it belongs to."""
        if event["type"] == "response.content_part.added":
            self.late = [event]
            return []
        if event["type"] == DELTA and self.late:
            late, self.late = self.late, []
            return [event, *late]
        return [event]

    def _late_delta(self, event: Event) -> list[Any]:
        if event["type"] != "response.audio.done" or self.kept is None:
            return [event]
        return [event, _again(self.kept)]

    def _odd(self, event: Event) -> list[Any]:
        """PCM with half a sample; any other format does not begin as it should."""
        if event["type"] != DELTA or self.deltas != 1:
            return [event]
        data = base64.b64decode(event["delta"])
        return self._first(event, delta=base64.b64encode(b"J" + data).decode())

    def _out_of_order(self, event: Event) -> list[Any]:
        """The item is done before its part."""
        if event["type"] == "response.content_part.done":
            self.late = [event]
            return []
        if event["type"] == "response.output_item.done":
            return [event, *self.late]
        return [event]

    def _interleaved(self, event: Event) -> list[Any]:
        """Another response begins inside of this one."""
        other = Response("", 0).created()
        return self._before_first(event, _fresh("response.created", response=other))

    def _miscounted(self, event: Event) -> list[Any]:
        if event["type"] != "response.done":
            return [event]
        usage = event["response"]["usage"]
        return [_with(event, "response", usage={**usage, "characters": usage["characters"] + 7})]


def _with(event: Event, key: str, **changes: Any) -> Event:
    return {**event, key: {**event[key], **changes}}


def _again(event: Event) -> Event:
    return {**event, "event_id": new_id("event")}


def _fresh(kind: str, **fields: Any) -> Event:
    return {"event_id": new_id("event"), "type": kind, **fields}

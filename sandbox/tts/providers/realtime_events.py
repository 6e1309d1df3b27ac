"""What the realtime server says: ids, and the parts that its events share (protocol sheet, 6.4)."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import Any

_LETTERS = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """A fresh id, such as `event_` and 21 characters."""
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(21))}"


@dataclass
class Response:
    """One response: its ids, its state, and the events that tell of it. *live*: the form that recordings show."""

    voice: str
    characters: int
    live: bool = False
    id: str = field(default_factory=lambda: new_id("resp"))
    item_id: str = field(default_factory=lambda: new_id("item"))
    status: str = "in_progress"
    audio_s: float = 0.0

    @property
    def place(self) -> dict[str, Any]:
        """Where an event of the one content part belongs."""
        return {"response_id": self.id, "item_id": self.item_id, "output_index": 0, "content_index": 0}

    def created(self) -> dict[str, Any]:
        """The `response` of `response.created`."""
        return {**self._head(), "voice": self.voice, "output": []}

    def done(self) -> dict[str, Any]:
        """The `response` of `response.done`."""
        item = {**self.item(), "content": [{"type": "audio", "transcript": ""}]}
        ended = {"modalities": ["text", "audio"], "voice": self.voice, "output": [item], "usage": self.usage()}
        return {**self._head(), **ended}

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "realtime.response", "conversation_id": "", "status": self.status}

    def item(self) -> dict[str, Any]:
        """The item as it is at this moment, without its content."""
        head = {"id": self.item_id, "object": "realtime.item", "type": "message"}
        return {**head, "status": self.status, "role": "assistant"}

    def item_done(self) -> dict[str, Any]:
        """The item of `response.output_item.done`: documented with content, seen with usage instead."""
        if self.live:
            return {**self.item(), "output": {"usage": self.usage()}}
        return {**self.item(), "content": [{"type": "audio", "text": ""}]}

    def usage(self) -> dict[str, Any]:
        """What the response costs: characters; recordings show tokens beside them."""
        if not self.live:
            return {"characters": self.characters}
        spoken, heard = self.characters, round(self.audio_s * 12.5)
        tokens = {"total_tokens": spoken + heard, "input_tokens": spoken, "output_tokens": heard}
        details = {
            "input_tokens_details": {"text_tokens": spoken},
            "output_tokens_details": {"text_tokens": 0, "audio_tokens": heard},
        }
        return {"characters": self.characters, **tokens, **details}

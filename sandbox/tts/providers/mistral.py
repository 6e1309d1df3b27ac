"""A small Mistral: `POST /v1/audio/transcriptions`, multipart, answers with a text that names what it got.

Option: `transcribe_s`, seconds.
"""

from __future__ import annotations

import secrets
from email.parser import BytesParser
from email.policy import HTTP
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sandbox.tts.providers.standin import Answer, StandIn

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.tts.providers.standin import Heard


class MistralStandIn(StandIn):
    name = "mistral"
    calls = ("transcribe",)
    latencies = MappingProxyType({"transcribe": "transcribe_s"})

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.options = {"transcribe_s": 0.05}
        self.api_key = f"mistral-{secrets.token_hex(16)}"

    def variables(self) -> dict[str, str]:
        return {
            "MISTRAL_API_KEY": self.api_key,
            "MISTRAL_SERVER_URL": self.url,
            "TRANSCRIPTION_ENABLED": "true",
        }

    def recognise(self, heard: Heard) -> str | None:
        return "transcribe" if (heard.method, heard.path) == ("POST", "/v1/audio/transcriptions") else None

    async def answer(self, heard: Heard) -> Answer:
        if self.api_key not in {heard.bearer, heard.headers.get("x-api-key")}:
            return Answer(401, {"detail": "Unauthorized"})
        fields = form_fields(heard.headers.get("Content-Type", ""), heard.body)
        audio = fields.get("file")
        if not audio or not fields.get("model"):
            return Answer(422, {"detail": [{"loc": ["body", "file"], "msg": "Field required", "type": "missing"}]})
        language = fields.get("language", b"").decode() or None
        return Answer(
            200,
            {
                "model": fields["model"].decode(),
                "text": f" This is a recording of {len(audio)} bytes. ",
                "language": language,
                "segments": [],
                "usage": {"prompt_audio_seconds": 1, "prompt_tokens": 4, "total_tokens": 12, "completion_tokens": 8},
            },
        )


def form_fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """The parts of a multipart body by field name. Empty for anything that is not multipart."""
    message: Any = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    if not message.is_multipart():
        return {}
    parts = ((part.get_param("name", header="content-disposition"), part) for part in message.iter_parts())
    return {str(name): part.get_payload(decode=True) or b"" for name, part in parts if name}

"""The TTS system's API, one verb a route. It speaks for one caller, returns what came back, and asserts nothing.

Raises the kinds of `rollout_gates.wire.CouldNotJudge` when no answer came; whatever was answered is a `Reply`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from rollout_gates.systems.tts.names import ADDRESS, TIER_3, tier_of
from rollout_gates.systems.tts.replies import Playback, absolute
from rollout_gates.wire import Reply, Wire

if TYPE_CHECKING:
    from rollout_gates.environment import Secret
    from rollout_gates.systems.tts.settings import Settings

# As many as a page of the data API holds.
_MOST_OBJECTS = 1000

Parameters = Mapping[str, str | int] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Caller:
    """Who calls: a name for transcripts and rate limits, and a token, or none. A *user* has limits of their own."""

    name: str
    token: Secret | None = None
    user: bool = False


ANYBODY = Caller("anon")


@dataclass(frozen=True)
class Client:
    """Calls the API as *caller*. Cheap to make; all clients of a run share one *wire*."""

    wire: Wire
    settings: Settings
    caller: Caller = ANYBODY

    def speaking_as(self, caller: Caller) -> Client:
        """Return the same client in another caller's name."""
        return replace(self, caller=caller)

    # --- anything

    async def raw(self, method: str, path: str, *, query: Parameters | None = None, **options: Any) -> Reply:
        """Send *method* to *path* below the API address, as it stands; *options* are those of `Wire.send`."""
        url = f"{self.settings.api_url}{path}"
        if query:
            url += f"?{urlencode(_pairs(query), quote_via=quote)}"
        headers = _laid_over(self._credentials(), options.pop("headers", None))
        tier = tier_of(method, path)
        if tier == TIER_3:
            options.setdefault("bucket", ADDRESS)
        elif not self._counted_as_user(headers):
            # Counted by address, under a limit that is not configured: a 429 says when to go on.
            tier = None
        options.setdefault("tier", tier)
        return await self.wire.send(method, url, headers=headers, actor=self.caller.name, **options)

    def _credentials(self) -> dict[str, str]:
        headers = {}
        if key := self.settings.secret("anon_key"):
            headers["apikey"] = key.reveal()
        if self.caller.token is not None:
            headers["authorization"] = f"Bearer {self.caller.token.reveal()}"
        return headers

    def _counted_as_user(self, headers: Mapping[str, str | None]) -> bool:
        own = self._credentials().get("authorization")
        return self.caller.user and own == next((v for k, v in headers.items() if k.lower() == "authorization"), None)

    async def _get(self, path: str, query: Parameters | None = None) -> Reply:
        return await self.raw("GET", path, query=query, retry="idempotent")

    async def _post(self, path: str, body: Any) -> Reply:
        return await self.raw("POST", path, json=body)

    # --- about the system and the caller

    async def health(self) -> Reply:
        """2.1: is the function deployed."""
        return await self._get("/health")

    async def languages(self) -> Reply:
        """2.2: languages, active provider, capabilities."""
        return await self._get("/languages")

    async def me(self) -> Reply:
        """2.3: who the token belongs to."""
        return await self._get("/me")

    async def update_profile(self, **changes: Any) -> Reply:
        """2.4: change handle, display_name or avatar_url."""
        return await self.raw("PATCH", "/profile", json=changes)

    async def credits_usage(self, **query: str | int) -> Reply:
        """2.5: balance, trials, and the newest events."""
        return await self._get("/credits/usage", query)

    # --- voices

    async def clone_upload_url(self, **body: Any) -> Reply:
        """2.8: a fresh voice id and where its clip is to be uploaded. Costs nothing."""
        return await self._post("/clone/upload-url", body)

    async def upload(self, upload_url: str, audio: bytes, *, answered: str, content_type: str = "audio/wav") -> Reply:
        """PUT *audio* to a signed URL out of the answer to *answered*. It needs no credentials, so none are sent."""
        url = self.absolute(upload_url, answered=answered)
        return await self.wire.send(
            "PUT", url, content=audio, headers={"content-type": content_type}, actor=self.caller.name
        )

    async def clone_finalize(self, **body: Any) -> Reply:
        """2.9: make the voice. Costs a trial or credits; with qwen it costs provider money."""
        return await self._post("/clone/finalize", body)

    async def voices(self, **query: str | int) -> Reply:
        """2.10: the caller's voices."""
        return await self._get("/voices", query)

    async def voice_preview(self, voice_id: str) -> Reply:
        """2.11: where the voice's clip is; the redirect is not followed."""
        return await self._get(f"/voices/{voice_id}/preview")

    async def delete_voice(self, voice_id: str) -> Reply:
        """2.12: a soft delete, and repeatable."""
        return await self.raw("DELETE", f"/voices/{voice_id}", retry="idempotent")

    async def design_preview(self, **body: Any) -> Reply:
        """2.13: begin a preview. Costs a trial or credits, and provider money."""
        return await self._post("/voices/design/preview", body)

    async def design_save(self, fields: Mapping[str, str], audio: bytes | None = None) -> Reply:
        """2.14: keep a previewed voice; multipart, with the clip itself in mode modal."""
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields.items()]
        if audio is not None:
            parts.append(("audio", ("preview.wav", audio, "audio/wav")))
        return await self.raw("POST", "/voices/design", files=parts)

    # --- speech

    async def generate(self, **body: Any) -> Reply:
        """2.15: begin to speak a text. Costs a credit a character, and provider money."""
        return await self._post("/generate", body)

    async def task(self, task_id: str) -> Reply:
        """2.17: how a task is doing. With modal this is what moves it."""
        return await self._get(f"/tasks/{task_id}")

    async def cancel_task(self, task_id: str) -> Reply:
        """2.18: end an active task and give the money back."""
        return await self.raw("POST", f"/tasks/{task_id}/cancel")

    async def delete_task(self, task_id: str) -> Reply:
        """2.19: remove the task's row."""
        return await self.raw("DELETE", f"/tasks/{task_id}")

    async def generations(self, **query: str | int) -> Reply:
        """2.20: what the caller had spoken."""
        return await self._get("/generations", query)

    async def generation_audio(self, generation_id: str) -> Reply:
        """2.21: where the audio is; the redirect is not followed."""
        return await self._get(f"/generations/{generation_id}/audio")

    async def delete_generation(self, generation_id: str) -> Reply:
        """2.22: remove object and row."""
        return await self.raw("DELETE", f"/generations/{generation_id}")

    async def regenerate(self, generation_id: str) -> Reply:
        """2.23: what to send to have it spoken again. Costs nothing."""
        return await self.raw("POST", f"/generations/{generation_id}/regenerate")

    # --- bytes behind redirects

    def absolute(self, url: str, *, answered: str) -> str:
        """Return *url* out of the answer to *answered* as one that can be fetched."""
        return absolute(url, api_url=self.settings.api_url, answered=answered)

    async def fetch(self, url: str, *, answered: str) -> Reply:
        """GET *url* out of the answer to *answered*, without credentials, and follow its redirects."""
        return await self.wire.fetch(self.absolute(url, answered=answered), actor=self.caller.name, retry="idempotent")

    async def heard(self, route: Reply) -> Playback:
        """Follow the redirect of an audio or preview *route* to its bytes; a route that sends bytes is its own end."""
        location = route.header("location")
        if 300 <= route.status < 400 and location:
            return Playback(route, await self.fetch(location, answered=route.request.url))
        return Playback(route, route if route.status == 200 else None)

    # --- around the API

    async def rows(self, table: str, query: Parameters, *, bearer: Secret | None = None) -> Reply:
        """Read *table* through the data API, as the caller or with *bearer*."""
        url = f"{self.settings.data_url}/{table}?{urlencode(_pairs(query))}"
        return await self.wire.send(
            "GET", url, headers=self._data_headers(bearer), actor=self.caller.name, retry="idempotent"
        )

    async def insert(self, table: str, row: Mapping[str, Any], *, bearer: Secret) -> Reply:
        """Insert *row* into *table* through the data API, with *bearer* (the service role)."""
        return await self.wire.send(
            "POST",
            f"{self.settings.data_url}/{table}",
            json=dict(row),
            headers={**self._data_headers(bearer), "prefer": "return=representation"},
            actor="service_role",
        )

    async def stored(self, bucket: str, key: str) -> Reply:
        """Fetch an object from storage with the caller's own token, past the API."""
        url = f"{self.settings.storage_url}/object/authenticated/{bucket}/{quote(key)}"
        return await self.wire.send("GET", url, headers=self._credentials(), actor=self.caller.name, retry="idempotent")

    async def store(self, bucket: str, key: str, content: bytes, content_type: str, *, bearer: Secret) -> Reply:
        """Put an object under *key*, past the API, with *bearer* (the service role). It overwrites nothing."""
        url = f"{self.settings.storage_url}/object/{bucket}/{quote(key)}"
        headers = {**self._data_headers(bearer), "content-type": content_type}
        return await self.wire.send("POST", url, content=content, headers=headers, actor="service_role")

    async def stored_list(self, bucket: str, folder: str) -> Reply:
        """List the objects in *folder* of *bucket*, as far as the caller may see them."""
        url = f"{self.settings.storage_url}/object/list/{bucket}"
        asked = {"prefix": folder, "limit": _MOST_OBJECTS, "offset": 0}
        return await self.wire.send("POST", url, json=asked, headers=self._credentials(), actor=self.caller.name)

    def _data_headers(self, bearer: Secret | None) -> dict[str, str]:
        headers = self._credentials()
        if bearer is not None:
            headers.update(apikey=bearer.reveal(), authorization=f"Bearer {bearer.reveal()}")
        return headers


def _pairs(query: Parameters) -> list[tuple[str, str]]:
    given = query.items() if isinstance(query, Mapping) else query
    return [(name, str(item)) for name, item in given]


def _laid_over(base: Mapping[str, str], above: Mapping[str, str | None] | None) -> dict[str, str | None]:
    """Return *base* with *above* over it, whatever the case of the names; ``None`` leaves a header out."""
    given = dict(above or {})
    taken = {name.lower() for name in given}
    return {**{name: value for name, value in base.items() if name not in taken}, **given}

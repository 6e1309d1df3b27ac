"""The TTS system as the sandbox sees it: what can be asked for, how it starts, what it says when it is ready."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from sandbox.tts import source_tree
from sandbox.tts.database.published import base_file, folder
from sandbox.tts.database.setup import BASE, NEWEST, prepare_template
from sandbox.tts.instance import FUNCTIONS, Instance
from sandbox.tts.options import FILES, Options
from sandbox.tts.providers.dashscope_rules import family_of
from sandbox.tts.settings import MODAL_TEXT_CAP, VC_MODELS, VD_MODELS

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.faults import Switches
    from sandbox.postgres import Cluster

SECRETS = {
    "anon_key": "TTS_ANON_KEY",
    "service_role_key": "TTS_SERVICE_ROLE_KEY",
    "database_dsn": "TTS_DATABASE_DSN",
    "dashscope_api_key": "DASHSCOPE_API_KEY",
}


def outline(options: Options, clock: Clock, faults: Switches, *, verbose: bool) -> list[Instance]:
    """One instance for every mode and lane of *options*; none of them runs yet."""
    return [
        Instance(mode=mode, lane=lane, clock=clock, faults=faults, options=options, verbose=verbose)
        for mode in options.modes
        for lane in options.lanes
    ]


async def start(instances: list[Instance], cluster: Cluster) -> None:
    """Start all of them on databases copied from one template."""
    migrated = all(instance.options.migrated for instance in instances)
    template = await asyncio.to_thread(prepare_template, cluster, NEWEST if migrated else BASE)
    await asyncio.gather(*(instance.start(cluster, template) for instance in instances))
    for instance in instances:
        instance.source_tree = await asyncio.to_thread(source_tree.write, instance, cluster.directory)


async def users(instance: Instance) -> dict[str, dict[str, str]]:
    """Sign up two users, `a` and `b`: e-mail, password, token, id."""
    return dict(zip("ab", await asyncio.gather(_sign_up(instance, "a"), _sign_up(instance, "b")), strict=True))


async def _sign_up(instance: Instance, name: str) -> dict[str, str]:
    email, password = f"user-{name}@example.test", secrets.token_urlsafe(9)
    session = await instance.auth.sign_up(email, password)
    return {"email": email, "password": password, "token": session.access_token, "id": session.user_id}


def table(instance: Instance) -> dict[str, Any]:
    """The instance as the `[tts]` table of an environment file. Holds names of secrets, never values."""
    deployment = instance.deployment
    limits = {number: deployment.tier(number) for number in (1, 2, 3)}
    return {
        **{FILES[key]: {"file": str(path)} for key, path in instance.options.files.items()},
        "api_url": f"{instance.base_url}{FUNCTIONS}/api",
        "auth_url": f"{instance.base_url}/auth/v1",
        "data_url": f"{instance.base_url}/rest/v1",
        "storage_url": f"{instance.base_url}/storage/v1",
        "web_url": instance.base_url,
        "web_bundle": instance.base_url,
        **({"source_tree": str(instance.source_tree)} if instance.source_tree is not None else {}),
        "expected_origins": list(deployment.cors_origins),
        "provider_mode": deployment.wanted_mode,
        "lane": deployment.lane,
        "text_cap": deployment.qwen_text_cap,
        "modal_text_cap": MODAL_TEXT_CAP,
        "vc_model": deployment.vc_model,
        "vd_model": deployment.vd_model,
        "rate_limits": {
            "tier1_user": limits[1].user,
            "tier2_user": limits[2].user,
            "tier3_ip": limits[3].ip,
            "tier1_ip": limits[1].ip,
            "window_s": limits[1].window_s,
        },
        "migrations": {"folder": str(folder(instance.faults)), "base": base_file()},
        "sign_up": instance.options.sign_up,
        "provider": _provider(instance),
        "secrets": dict(SECRETS),
    }


def _provider(instance: Instance) -> dict[str, Any]:
    """The stand-in of the qwen provider itself: its two regions, and what the deployment is pinned to in each lane."""
    deployment, providers = instance.deployment, instance.providers
    pinned = [deployment.vc_model, deployment.vd_model, *VC_MODELS.values(), *VD_MODELS.values()]
    return {
        "region": deployment.dashscope_region,
        "rest_url": f"{providers.dashscope.url}/api/v1",
        "realtime_url": providers.dashscope.realtime_url,
        "other_rest_url": f"{providers.dashscope_elsewhere.url}/api/v1",
        "models": [model for model in dict.fromkeys(pinned) if family_of(model) in {"vc", "vd"}],
    }


def variables(instance: Instance, signed_up: dict[str, dict[str, str]]) -> dict[str, str]:
    """Values of the secrets that `table` names, and the tokens of the two users."""
    deployment = instance.deployment
    values = {
        "anon_key": deployment.anon_key,
        "service_role_key": deployment.service_role_key,
        "database_dsn": instance.db.dsn,
        "dashscope_api_key": instance.providers.dashscope.api_key,
    }
    tokens = {f"TTS_USER_{name.upper()}_TOKEN": user["token"] for name, user in signed_up.items()}
    return {**{SECRETS[key]: value for key, value in values.items()}, **tokens}


def examples(instance: Instance) -> list[str]:
    """Lines for a shell that has the variables of `variables` and `API`."""
    stream = [
        'curl -H "Authorization: Bearer $TTS_USER_A_TOKEN" $API/generate/stream \\',
        '  -d \'{"voice_id": "VOICE", "text": "Good morning."}\' -o speech.mp3',
    ]
    return [
        "curl $API/health",
        "curl $API/languages",
        'curl -H "Authorization: Bearer $TTS_USER_A_TOKEN" $API/me',
        'curl -H "Authorization: Bearer $TTS_USER_A_TOKEN" $API/voices/design/preview \\',
        '  -d \'{"text": "Good morning.", "language": "English", "instruct": "calm"}\'',
        'curl -H "apikey: $TTS_ANON_KEY" -H "Authorization: Bearer $TTS_USER_A_TOKEN" \\',
        f"  {instance.base_url}/rest/v1/tasks",
        *(stream if instance.deployment.streams else []),
    ]

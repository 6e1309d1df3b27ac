"""The six schemas: who acts in them, and what is meant to be allowed there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rollout_gates.row_policy import (
    ALL,
    ANON,
    NONE,
    OWN,
    READ_ALL,
    READ_OWN,
    SERVICE,
    TENANT_NAMES,
    USER,
    Access,
    Identity,
    Intent,
    Kind,
    Options,
)

SCHEMAS = Path(__file__).parent / "schemas"
A, B, C = (str(uuid.uuid4()) for _ in range(3))


@dataclass(frozen=True)
class Scene:
    files: tuple[str, ...]
    identities: tuple[Identity, ...]
    intent: Intent
    options: Options = field(default_factory=Options)


def claims(user: str) -> Mapping[str, str]:
    return {"request.jwt.claims": json.dumps({"sub": user, "role": "authenticated"})}


def person(name: str, user: str) -> Identity:
    return Identity(name, "authenticated", claims(user), {"user": user})


def anon() -> Identity:
    return Identity("anon", "anon", {"request.jwt.claims": '{"role": "anon"}'}, audience=ANON)


PEOPLE = (
    anon(),
    person("a", A),
    person("b", B),
    person("c", C),
    Identity("service", "service_role", {"request.jwt.claims": '{"role": "service_role"}'}, audience=SERVICE),
)
USERS = {"user": Kind("auth.users", "id", ("user_id", "owner_id", "author_id", "auth_id"))}
_TENANT = {"tenant": Kind("public.tenants", "id", TENANT_NAMES)}
_TEAM = {"user": Kind(names=("owner", "sender", "recipient"))}


def tenant(name: str, number: int | None) -> Identity:
    if number is None:
        return Identity(name, "app_user", {"app.tenant_id": ""}, audience=ANON)
    return Identity(name, "app_user", {"app.tenant_id": str(number)}, {"tenant": str(number)})


def shared(connection: Any) -> None:
    """A is a viewer of B's document, and C an editor of A's."""
    for owner, member, role in ((B, A, "viewer"), (A, C, "editor")):
        connection.execute(
            "insert into public.memberships (document_id, user_id, role) "
            "select d.id, %s::uuid, %s::public.member_role from public.documents d where d.owner_id = %s limit 1",
            (member, role, owner),
        )


_DOCUMENT = "exists (select 1 from public.documents d where d.id = r.{} and d.owner_id = %(user)s)"
_MEMBER = "exists (select 1 from public.memberships m where m.document_id = r.{} and m.user_id = %(user)s{})"
_READS = f"({_DOCUMENT} or {_MEMBER})"


def reads(column: str) -> str:
    return f"({_DOCUMENT.format(column)} or {_MEMBER.format(column, '')})"


SHARING = {
    "public.documents": {
        USER: Access(
            select=f"(r.owner_id = %(user)s or {_MEMBER.format('id', '')})",
            update="(r.owner_id = %(user)s or " + _MEMBER.format("id", " and m.role = 'editor'") + ")",
        )
    },
    "public.memberships": {
        USER: Access(
            select=f"(r.user_id = %(user)s or {_DOCUMENT.format('document_id')})",
            insert=_DOCUMENT.format("document_id"),
            update=_DOCUMENT.format("document_id"),
            delete=f"(r.user_id = %(user)s or {_DOCUMENT.format('document_id')})",
        )
    },
    "public.comments": {
        USER: Access(select=reads("document_id"), insert=f"(r.author_id = %(user)s and {reads('document_id')})")
    },
}
PUBLIC = {"user_id": ALL, "handle": ALL, "display_name": ALL}
POSTED = "(r.published or r.author_id = %(user)s)"
COLUMNS = {
    "public.profiles": {
        "*": Access(columns=PUBLIC, frozen=("is_admin", "credits")),
        ANON: Access(NONE, NONE, NONE, NONE, columns=PUBLIC),
        SERVICE: Access(ALL, ALL, ALL, ALL, ALL),
    },
    "public.posts": {
        USER: Access(select=POSTED, columns={"remarks": OWN}),
        ANON: Access("r.published", NONE, NONE, NONE, columns={"remarks": NONE}),
    },
    "public.api_keys": {USER: Access(columns={"digest": NONE})},
}


def published(connection: Any) -> None:
    """Everybody has one post that is published."""
    connection.execute(
        "insert into public.posts (author_id, title, body, remarks, published) select user_id, "
        "'rg' || substr(md5(random()::text), 1, 12), 'rg' || substr(md5(random()::text), 1, 12), "
        "'rg' || substr(md5(random()::text), 1, 12), true from public.profiles"
    )


def teams() -> tuple[Identity, ...]:
    return (
        Identity("red", "team_red", {}, {"user": "team_red"}, login=True),
        Identity("blue", "team_blue", {}, {"user": "team_blue"}, login=True),
        Identity("auditor", "team_auditor", {}, {"user": "team_auditor"}, "auditor", login=True),
    )


SCENES: Mapping[str, Scene] = {
    "notes": Scene(
        ("platform", "notes"), PEOPLE, Intent(USERS, access={"public.profiles": {USER: Access(frozen=("tier",))}})
    ),
    "tenants": Scene(
        ("tenants",),
        (tenant("nobody", None), tenant("one", 1_000_001), tenant("one as well", 1_000_001), tenant("two", 2_000_002),
         Identity("service", "app_service", audience=SERVICE)),
        Intent(_TENANT),
    ),
    "teams": Scene(
        ("teams",), teams(),
        Intent(
            _TEAM,
            own={"public.messages": "(r.sender = %(user)s or r.recipient = %(user)s)"},
            access={
                "public.messages": {"*": Access(insert="r.sender = %(user)s", update=NONE, delete=NONE)},
                "public.ledger": {"auditor": READ_ALL},
                "public.my_ledger": {"auditor": READ_OWN},
            },
        ),
    ),
    "shop": Scene(("platform", "shop"), PEOPLE, Intent(USERS)),
    "sharing": Scene(("platform", "sharing"), PEOPLE, Intent(USERS, access=SHARING, seed=shared)),
    "columns": Scene(("platform", "columns"), PEOPLE, Intent(USERS, access=COLUMNS, seed=published)),
}  # fmt: skip

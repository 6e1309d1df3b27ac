"""Source trees: what belongs to them, and what in them is no secret."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest

from rollout_gates.secret_search import tree as trees
from rollout_gates.secret_search.searching import Searcher
from rollout_gates.secret_search.tree import files_of, search_tree
from rollout_gates.secret_search.values import SecretValues
from tests.secret_search.planted import BY_LIBRARY, HELD, PROVIDER, SERVICE, hexadecimal, word

STRIPE = f"sk_live_{word(24)}"
RANDOM = f'const apiKey = "{word(40, 9)}";\n'


def write(root, **files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def scan(root):
    return search_tree(files_of(root), Searcher(SecretValues.of(HELD)))


def found(root):
    return [str(each).partition(" (fingerprint")[0] for each in scan(root).findings]


def git(root, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def test_secrets_are_told_by_file_and_line(tmp_path):
    write(
        tmp_path,
        **{
            "src/config.ts": f'export const a = 1;\nexport const key = "{STRIPE}";\n',
            "src/provider.ts": f'const b = "{PROVIDER}";\n',
            "supabase/seed.sql": f"-- {SERVICE}\n",
            "lib/auth.ts": RANDOM,
            ".env.production": f"MISTRAL_API_KEY={word(32, 11)}\n",
            "README.md": "# Fine\n",
        },
    )

    assert found(tmp_path) == [
        ".env.production:1: random value with the name of a secret",
        "lib/auth.ts:1: random value with the name of a secret",
        "src/config.ts:2: Stripe secret key",
        "src/provider.ts:1: value of provider_key",
        "supabase/seed.sql:1: value of service_role_key",
    ]
    told = "\n".join(scan(tmp_path).lines())
    assert "searched: 6 files" in told
    assert not [secret for secret in (STRIPE, PROVIDER, SERVICE) if secret in told]


HEALTHY = {
    "package-lock.json": json.dumps({"packages": {"a": {"integrity": f"sha512-{word(86)}==", "key": hexadecimal(64)}}}),
    "yarn.lock": f'"a@^1":\n  checksum: {hexadecimal(128)}\n  token "{hexadecimal(40)}"\n',
    ".env.example": "DASHSCOPE_API_KEY=sk-your-key-here\nSTRIPE_SECRET_KEY=sk_test_xxxxxxxxxxxxxxxxxxxxxxxx\nSECRET=\n",
    "docs/setup.md": f'Set `apiKey = "{word(40, 33)}"` as you got it.\n',
    "src/__tests__/login.test.ts": f'const password = "{word(24, 4)}"; const token = "{word(40, 5)}";\n',
    "tests/fixtures/user.json": f'{{"password": "{word(24, 6)}"}}\n',
    "src/i18n.ts": 'export default { password: "Password", secretHint: "Keep it secret", token: "Token 2" };\n',
    "src/client.ts": "const apiKey = process.env.DASHSCOPE_API_KEY;\nconst auth = `Bearer ${token}`;\n",
    "supabase/config.toml": 'jwt_secret = "env(JWT_SECRET)"\npassword = "postgres"\n',
    "public/logo.png": b"\x89PNG\x00" + STRIPE.encode(),
    "public/fonts.css": f"src:url(data:font/woff2;base64,{word(800)})\n",
    "ids.ts": f'export const key = "3f2b8c1e-8d0a-4b57-9a6f-0c1d2e3f4a5b"; const sha = "{hexadecimal(40)}";\n',
}


def test_a_healthy_tree_raises_no_alarm(tmp_path):
    write(tmp_path, **HEALTHY)

    result = scan(tmp_path)

    assert result.findings == ()
    assert result.searched == len(HEALTHY) - 1
    assert "public/logo.png (not text)" in result.left_out


def test_a_known_value_is_found_wherever_it_stands(tmp_path):
    write(tmp_path, **dict.fromkeys(HEALTHY, f"\n{PROVIDER}\n"))

    assert len(found(tmp_path)) == len(HEALTHY)


@pytest.mark.parametrize("folder", ["node_modules/a", "web/node_modules/a", "dist", ".venv/lib", "coverage"])
def test_what_others_wrote_or_a_build_made_is_left_out(tmp_path, folder):
    write(tmp_path, **{f"{folder}/index.js": RANDOM, "src/a.ts": "fine"})
    result = scan(tmp_path)

    assert (result.findings, result.searched) == ((), 1)
    assert any("not code of this tree" in place for place in result.left_out)


def test_gitignore_is_respected_without_git(tmp_path):
    ignored = {".env": f"KEY={STRIPE}", "web/local.ts": RANDOM, "logs/a.log": STRIPE, "keep/a.ts": RANDOM}
    write(tmp_path, **ignored, **{".gitignore": ".env\nlogs/\n", "web/.gitignore": "/local.ts\n"})

    assert found(tmp_path) == ["keep/a.ts:1: random value with the name of a secret"]


def test_git_decides_where_there_is_a_repository(tmp_path):
    write(
        tmp_path, **{".gitignore": ".env*\ndist/\n", ".env": RANDOM, ".env.committed": f"K={STRIPE}", "new.ts": RANDOM}
    )
    write(tmp_path, **{"dist/app.js": f"k='{STRIPE}'", "build/index.js": f"k='{STRIPE}'", "node_modules/a.js": STRIPE})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-f", ".env.committed", "build/index.js", "node_modules/a.js")

    assert found(tmp_path) == [
        ".env.committed:1: Stripe secret key",
        "build/index.js:1: Stripe secret key",
        "new.ts:1: random value with the name of a secret",
    ]
    assert "history is not searched" in "\n".join(scan(tmp_path).lines())


def test_a_folder_of_a_repository_can_be_the_tree(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, **{"web/a.ts": RANDOM, "other/b.ts": RANDOM})

    assert found(tmp_path / "web") == ["a.ts:1: random value with the name of a secret"]


def baseline(root, name, secret, **verdict):
    row = {"type": "x", "filename": name, "hashed_secret": hashlib.sha1(secret.encode()).hexdigest(), **verdict}
    write(root, **{trees.BASELINE: json.dumps({"version": "1.5.0", "results": {name: [row]}})})


@pytest.mark.parametrize("secret", [STRIPE, BY_LIBRARY["Twilio API Key"], word(40, 9)])
def test_what_was_audited_as_harmless_is_accepted(tmp_path, secret):
    write(tmp_path, **{"a.ts": f'const apiKey = "{secret}";\n'})
    assert len(found(tmp_path)) == 1

    baseline(tmp_path, "a.ts", secret, is_secret=False)
    assert found(tmp_path) == []
    assert "accepted by .secrets.baseline or a comment: 1" in "\n".join(scan(tmp_path).lines())


@pytest.mark.parametrize("verdict", [{}, {"is_secret": True}, {"is_secret": None}])
def test_what_nobody_audited_is_not_accepted(tmp_path, verdict):
    write(tmp_path, **{"a.ts": f'const apiKey = "{STRIPE}";\n'})
    baseline(tmp_path, "a.ts", STRIPE, **verdict)

    assert len(found(tmp_path)) == 1


def test_a_baseline_is_about_its_file_and_never_about_a_known_value(tmp_path):
    write(
        tmp_path, **{"a.ts": f'const apiKey = "{PROVIDER}"; // pragma: allowlist secret\n', "b.ts": f'k = "{STRIPE}"'}
    )
    baseline(tmp_path, "a.ts", PROVIDER, is_secret=False)

    assert found(tmp_path) == ["a.ts:1: value of provider_key", "b.ts:1: Stripe secret key"]


@pytest.mark.parametrize("broken", ["", "[]", '{"results": []}', '{"results": {"a.ts": [1]}}', "{"])
def test_a_broken_baseline_accepts_nothing(tmp_path, broken):
    write(tmp_path, **{"a.ts": f'k = "{STRIPE}"', trees.BASELINE: broken})

    assert len(found(tmp_path)) == 1


def test_a_comment_accepts_its_line_alone(tmp_path):
    lines = ["x = 1", f'k = "{STRIPE}"  # pragma: allowlist secret', "y = 2", "", f'k = "{STRIPE}"']
    write(tmp_path, **{"a.py": "\n".join(lines)})

    assert found(tmp_path) == ["a.py:5: Stripe secret key"]


def test_large_files_and_trees_are_bounded_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "MOST_BYTES_OF_ONE", 1000)
    monkeypatch.setattr(trees, "MOST_FILES", 2)
    write(tmp_path, **{"a.ts": "x" * 2000 + STRIPE, "b.ts": "fine", "c.ts": "fine"})
    result = scan(tmp_path)

    assert result.searched == 2
    assert "a.ts (only the first 1000 bytes)" in result.left_out
    assert result.cut is not None
    assert result.cut.startswith("the limit of 2 files")
    assert result.cut.endswith("before c.ts")


def test_links_are_not_followed(tmp_path):
    write(tmp_path, **{"outside/a.ts": f'k = "{STRIPE}"', "tree/b.ts": "fine"})
    (tmp_path / "tree" / "a.ts").symlink_to(tmp_path / "outside" / "a.ts")

    assert found(tmp_path / "tree") == []

"""The command line: `python -m sandbox`. Runs in the foreground until Ctrl-C, SIGTERM, or the end of its input."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import os
import shutil
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from sandbox import faults, listing
from sandbox.host import Sandbox, Wish, wanted_faults
from sandbox.ready import ready_line, ready_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAM = os.environ.get("SANDBOX_PROGRAM", "python -m sandbox")
EXAMPLES = f"""\
examples:
  {PROGRAM}                          mode qwen, lane task, everything works
  {PROGRAM} --mode modal             the other provider
  {PROGRAM} --lane realtime          speech as a stream
  {PROGRAM} --mode modal,qwen --lane task,realtime
                                             all four, each on an address of its own
  {PROGRAM} --fault tts:F-51         one fault on; repeat it, or use commas
  {PROGRAM} --position reference     the faults of the real build on
  {PROGRAM} --position old           the build before the adapter, on the schema before it
  {PROGRAM} --list-faults            all of them; --list-faults SMOKE: those that say so
  {PROGRAM} --setting tts.rate_limits.tier1_user=1000 --setting tts.text_cap=100
  {PROGRAM} --json --until-eof       for a program: one line of JSON, ends with its standard input

Keys and tokens are random and good for one run. Everything listens on 127.0.0.1 only.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """Say *message* and leave with status 2."""
        print(f"sandbox: {message} (see --help)", file=sys.stderr)
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """The options of `python -m sandbox`."""
    known = Parser(
        prog=PROGRAM,
        description="A local stand-in of the systems that the gates judge, with faults to switch on.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = known.add_argument
    add("--system", metavar="KEY[,KEY]", help="which systems (default: all that are built)")
    add("--mode", metavar="MODE[,MODE]", help="provider mode: qwen (default), modal")
    add("--lane", metavar="LANE[,LANE]", help="lane: task (default), realtime")
    add("--fault", metavar="SYSTEM:ID[,...]", action="append", default=[], help="switch on a fault")
    add(
        "--position",
        choices=faults.POSITIONS,
        default="fixed",
        help="fixed: no fault. reference: those of the real build. old: the build before, which has none of today's",
    )
    add(
        "--setting",
        metavar="SYSTEM.KEY=VALUE",
        action="append",
        default=[],
        help="as in an environment file, or a variable",
    )
    add("--json", action="store_true", help="one line of JSON instead of the page for people")
    add("--until-eof", action="store_true", help="end when standard input ends, and so with the parent")
    add("--verbose", action="store_true", help="log lines of the API on standard error")
    add("--list-faults", metavar="TEXT", nargs="?", const="", help="list the faults (that mention TEXT) and leave")
    return known


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, 1 when it cannot start, 2 for a usage error, 130 for Ctrl-C."""
    known = parser()
    given = known.parse_args(argv)
    try:
        systems = _systems(given.system)
        if given.list_faults is not None:
            return _list(systems, given)
        wish = _wish(systems, given)
    except ValueError as error:
        known.error(str(error))
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_serve(wish, as_json=given.json, until_eof=given.until_eof))
    return 130


def _systems(listed: str | None) -> tuple[str, ...]:
    built = faults.systems()
    wanted = tuple(dict.fromkeys(_words(listed or ""))) or built
    for key in wanted:
        if key not in built:
            raise ValueError(f"no such system: {key}{faults.did_you_mean(key, built)}")
    return wanted


def _wish(systems: tuple[str, ...], given: argparse.Namespace) -> Wish:
    settings = _settings(given.setting, systems)
    if given.position == "old":
        for chosen in settings.values():
            chosen.setdefault("build", "old")
    options = {
        key: importlib.import_module(f"sandbox.{key}.options").parse(
            settings[key], modes=_words(given.mode or ""), lanes=_words(given.lane or "")
        )
        for key in systems
    }
    names = [name for listed in given.fault for name in _words(listed)]
    return Wish(options, wanted_faults(names, options), given.position, verbose=given.verbose)


def _settings(pairs: list[str], systems: tuple[str, ...]) -> dict[str, dict[str, str]]:
    settings: dict[str, dict[str, str]] = {key: {} for key in systems}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        system, dot, key = name.partition(".")
        if not equals or not dot or system not in settings:
            raise ValueError(f"--setting is SYSTEM.KEY=VALUE with SYSTEM {' or '.join(systems)}: {pair}")
        settings[system][key] = value
    return settings


def _words(listed: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in listed.split(",") if word.strip())


def _list(systems: tuple[str, ...], given: argparse.Namespace) -> int:
    every = [fault for system in systems for fault in faults.load(system).values()]
    shown = listing.matching(every, given.list_faults)
    width = shutil.get_terminal_size((80, 24)).columns
    print(listing.as_json(shown) if given.json else listing.as_table(shown, width=min(width, 120)))
    return 0


async def _serve(wish: Wish, *, as_json: bool, until_eof: bool) -> int:
    """Start, say so, and serve until a signal or the end of the input. Returns the exit status."""
    loop = asyncio.get_running_loop()
    ending: asyncio.Future[int] = loop.create_future()

    def end(status: int) -> None:
        if not ending.done():
            ending.set_result(status)

    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)):
        loop.add_signal_handler(number, end, status)
    if until_eof:
        _watch_input(loop, end)
    sandbox = Sandbox(wish)
    starting = loop.create_task(sandbox.start())
    try:
        waited: set[asyncio.Future[Any]] = {starting, ending}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            starting.result()
            _announce(sandbox, as_json=as_json)
        return await ending
    except ModuleNotFoundError:
        raise  # an installation without the extra; said by whoever runs the module
    except Exception as error:  # noqa: BLE001 - whatever it was, a person gets one line and a clean end
        print(f"sandbox: could not start: {error}", file=sys.stderr)
        return 1
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await sandbox.close()


def _announce(sandbox: Sandbox, *, as_json: bool) -> None:
    print(ready_line(sandbox) if as_json else ready_page(sandbox), flush=True)


def _watch_input(loop: asyncio.AbstractEventLoop, end: Callable[[int], None]) -> None:
    """Call *end* with 0 once standard input has ended. A thread, since epoll takes neither files nor /dev/null."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(end, 0)

    threading.Thread(target=watch, name="end-of-input", daemon=True).start()

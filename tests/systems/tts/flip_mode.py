"""The command that flips the mode of a deployment in these tests: honest, or with one of the habits in `FLIP_HABIT`.

It stands for what a team writes: change one variable, deploy again. Its deployment is a sandbox. It keeps a diary.
"""

import json
import os
import pathlib
import signal
import sys
import time
import urllib.request

mode, diary = sys.argv[1], pathlib.Path(os.environ["FLIP_DIARY"])
habits = dict(pair.split("=") for pair in os.environ.get("FLIP_HABIT", "").split(",") if pair)


def note(text):
    with diary.open("a") as file:
        file.write(f"{text}\n")


def deploy():
    body = json.dumps({"TTS_PROVIDER_MODE": mode}).encode()
    request = urllib.request.Request(f"{os.environ['FLIP_CONTROL']}/variables", body, method="POST")
    urllib.request.urlopen(request).close()


note(f"{mode} begins {os.getpid()}")
sys.stdout.write(f"deploying {mode} with token {os.environ['FLIP_ACCESS_TOKEN']}\n")
sys.stdout.flush()
habit = habits.get(mode, "")
if habit == "fails":
    sys.exit("not logged in")
if habit == "hangs":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
if habit != "lies":
    deploy()
note(f"{mode} ends")

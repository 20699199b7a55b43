"""`systemctl` and `journalctl` where no systemd runs: a unit's ExecStart as its user, with its environment and sandbox.

A script of its own, which imports nothing of ours. Of the sandbox it has what a program may run into: all of the system
is read-only but the unit's own folders, no privileges can be gained, there are no capabilities, and /tmp is its own.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Final

UNITS: Final = Path("/etc/systemd/system")
RUNNING: Final = Path("/run/units")
JOURNAL: Final = Path("/run/journal")
#: systemd sets it, too: by it the processes of a unit are known.
MARK: Final = "INVOCATION_ID"

#: `$1` are the folders that may be written to; the rest is the command. A checkout that lies in /tmp stays there.
SANDBOX: Final = r"""
set -e
for folder in $1; do mount --bind "$folder" "$folder"; done
case "$PWD$0" in *" /tmp"*) ;; *) mount -t tmpfs -o mode=1777 tmpfs /tmp ;; esac
while read -r _ _ _ _ at _; do
  case "$at" in /proc*|/sys*|/dev*|/tmp*) continue ;; esac
  for folder in $1; do [ "$at" != "$folder" ] || continue 2; done
  mount -o remount,bind,ro "$at" 2>/dev/null || echo "not read-only: $at" >&2
done </proc/self/mountinfo
shift
exec "$@"
"""


def read_unit(name: str) -> dict[str, list[str]]:
    """What a unit sets, by name; continued lines are joined."""
    text = re.sub(r"\\\n\s*", " ", (UNITS / name).read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def environment(unit: dict[str, list[str]], user: pwd.struct_passwd, mark: str) -> dict[str, str]:
    """What systemd gives a program, then Environment=, then EnvironmentFile=."""
    found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", MARK: mark}
    found |= {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
    lines = list(unit.get("Environment", []))
    for name in unit.get("EnvironmentFile", []):
        if not (name.startswith("-") and not Path(name[1:]).exists()):
            lines += Path(name.removeprefix("-")).read_text(encoding="utf-8").splitlines()
    return found | dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def command(unit: dict[str, list[str]], mark: str) -> tuple[list[str], dict[str, str]]:
    """What to start, in its sandbox and as its user, and its environment."""
    user = pwd.getpwnam(unit.get("User", ["nobody"])[0])
    folders = [Path("/var/lib") / name for name in unit.get("StateDirectory", [])]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        folder.chmod(int(unit["StateDirectoryMode"][0], 8))
        shutil.chown(folder, user.pw_name, user.pw_name)
    writable = [str(one) for one in folders]
    writable += [
        one.removeprefix("-") for one in unit.get("ReadWritePaths", []) if Path(one.removeprefix("-")).exists()
    ]
    as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups", "--no-new-privs"]
    as_user += ["--inh-caps=-all", "--bounding-set=-all"]
    start = shlex.split(unit["ExecStart"][0].replace("%%", "%").replace("%H", socket.gethostname()))
    sandbox = ["unshare", "--mount", "sh", "-c", SANDBOX, f"sandbox {sys.executable} {__file__}", " ".join(writable)]
    return [*sandbox, *as_user, *start], environment(unit, user, mark)


def start(name: str) -> int:
    """Start a unit; one that is to end is waited for, and starts its OnFailure= where it fails."""
    if name.endswith(".timer"):
        return 0 if (UNITS / name).exists() and (UNITS / name.replace(".timer", ".service")).exists() else 5
    unit, mark = read_unit(name), uuid.uuid4().hex
    arguments, env = command(unit, mark)
    folder = unit.get("WorkingDirectory", ["/"])[0]
    with (JOURNAL / name).open("ab") as log:
        process = subprocess.Popen(
            arguments, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        (RUNNING / name).write_text(mark, encoding="utf-8")
        if "oneshot" not in unit.get("Type", []):
            return 0
        failed = process.wait() != 0
    if failed:
        print(f"Job for {name} failed")  # noqa: T201 - as systemctl does
        for other in unit.get("OnFailure", []):
            start(other)
    return int(failed)


def processes(name: str) -> list[int]:
    """Those of a unit that live."""
    if not (RUNNING / name).exists():
        return []
    mark = f"{MARK}={(RUNNING / name).read_text(encoding='utf-8')}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            found += [int(path.parent.name)] if mark in path.read_bytes().split(b"\0") else []
        except OSError:
            continue
    return found


def kill(name: str, number: signal.Signals) -> int:
    for process in processes(name):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue
    return 0


def stop(name: str) -> int:
    """SIGTERM for the first of its processes, and SIGKILL for what is left after a while (KillMode=mixed)."""
    for process in processes(name)[:1]:
        os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{process}").exists() and process in processes(name) and time.monotonic() < deadline:
            time.sleep(0.1)
    return kill(name, signal.SIGKILL)


def journal(arguments: list[str]) -> int:
    """`journalctl -u UNIT`, the last lines with -n."""
    lines = (JOURNAL / full(arguments[arguments.index("-u") + 1])).read_text(encoding="utf-8").splitlines()
    last = int(arguments[arguments.index("-n") + 1]) if "-n" in arguments else len(lines)
    print("\n".join(lines[-last:]))  # noqa: T201
    return 0


def full(name: str) -> str:
    return name if "." in name else f"{name}.service"


def main(program: str, arguments: list[str]) -> int:
    """Run as `systemctl` or as `journalctl`."""
    for folder in (RUNNING, JOURNAL):
        folder.mkdir(exist_ok=True, mode=0o755)
    if program == "journalctl":
        return journal(arguments)
    verb, *rest = arguments
    options, names = [one for one in rest if one.startswith("-")], [full(one) for one in rest if one[0] != "-"]
    if verb == "daemon-reload":
        return 0
    if verb == "kill":
        [number] = [signal.Signals[f"SIG{one.removeprefix('--signal=')}"] for one in options]
        return max(kill(name, number) for name in names)
    if verb == "enable" and options != ["--now"]:
        return 0
    steps = {"start": [start], "enable": [start], "stop": [stop], "restart": [stop, start]}
    return max(step(name) for name in names for step in steps[verb])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

"""Official SDKs, each in an environment of its own, and scripts that they drive."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def python_with(folder: str, package: str, version: str) -> Path:
    """The Python of an environment that holds one SDK and nothing of ours; made once."""
    environment = ROOT / folder
    python = environment / "bin" / "python"
    environment.mkdir(exist_ok=True)
    with (environment / "lock").open("w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        wheel = f"{package.replace('-', '_')}-{version}.dist-info"
        if not list(environment.glob(f"lib/*/site-packages/{wheel}")):
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
            install = [str(python), "-m", "pip", "install", "--quiet", f"{package}=={version}"]
            subprocess.run(install, check=True, timeout=240)
    return python


def driven(python: Path, script: str, *arguments: str) -> Any:
    """What a script of this folder prints as its last line, which is one JSON."""
    alone = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [str(python), str(HERE / script), *arguments],
        env={**alone, "NO_PROXY": "127.0.0.1,localhost"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

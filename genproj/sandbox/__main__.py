"""Starts the sandbox: `python -m genproj.sandbox`, with `--help` for its options."""

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from genproj.sandbox.server import Sandbox


class Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: Any) -> None:
        # All that matters is on disk, so waiting for open connections would only delay the end.
        os._exit(0)


def main() -> None:
    options = arguments()
    try:
        listening = socket.create_server((options.host, options.port), backlog=512)
    except OSError as error:
        sys.stderr.write(
            f"sandbox: cannot listen on {options.host}:{options.port}: {error.strerror}\n"
        )
        sys.exit(2)
    application = Sandbox(
        options.data_dir, delay=options.delay, fail=options.fail, keep_days=options.keep_days
    )
    config = uvicorn.Config(
        application, access_log=False, log_level="warning", lifespan="on", ws_max_size=2**26,
        proxy_headers=False, server_header=False, timeout_keep_alive=75, ws_ping_interval=None,
    )  # fmt: skip
    port = listening.getsockname()[1]
    sys.stdout.write(
        f"sandbox: http://{options.host}:{port}/v1, control at http://{options.host}:{port}/control/\n"
    )
    sys.stdout.flush()
    Server(config).run(sockets=[listening])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="genproj.sandbox", description="Stand-ins for the providers."
    )
    parser.add_argument(
        "--port",
        type=int,
        default=default_port(),
        help="default: SANDBOX_PORT, else PORT+1, else 8001",
    )
    parser.add_argument("--host", default="127.0.0.1")
    folder = Path(os.environ.get("DATA_DIR") or "var") / "sandbox"
    parser.add_argument("--data-dir", type=Path, default=folder, help="default: DATA_DIR/sandbox")
    parser.add_argument(
        "--delay", type=float, default=0.9, help="seconds until a first image; the rest follow"
    )
    parser.add_argument(
        "--fail", type=float, default=0.0, help="share of results that fail, from 0 to 1"
    )
    parser.add_argument(
        "--keep-days",
        type=float,
        default=float(os.environ.get("SANDBOX_KEEP_DAYS") or 30),
        help="days that finished tasks and their files are remembered (30)",
    )
    return parser.parse_args()


def default_port() -> int:
    if os.environ.get("SANDBOX_PORT"):
        return int(os.environ["SANDBOX_PORT"])
    return int(os.environ.get("PORT") or 8000) + 1


if __name__ == "__main__":
    main()

"""`make scale`: finds or starts the services, then the installation, in the foreground."""

import os
import sys
from pathlib import Path

import django

from deploy.scale import services
from genproj import env, production


def main() -> int:
    """Run until Ctrl-C or SIGTERM. 1: something is missing. 2: a port is taken."""
    port = env.number("PORT", 8000, least=1)
    if not production.is_loopback(env.text("HOST", "127.0.0.1")):
        sys.stderr.write("make scale is for this machine alone; for others see deploy/nginx.\n")
        return 1
    folder = Path(env.text("DATA_DIR", str(services.USUAL))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        database = services.postgresql(folder, port + 5)
        found = [
            database,
            services.redis_server(folder, port + 6),
            services.object_store(folder, port + 4),
        ]
    except services.Missing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    for service in found:
        os.environ.update(service.settings)
    os.environ |= {"DATA_DIR": str(folder), "HOST": "127.0.0.1", "PORT": str(port)}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "genproj.settings")
    django.setup()

    from deploy.scale import installation  # reads the settings

    return installation.run(found, database)


if __name__ == "__main__":
    sys.exit(main())

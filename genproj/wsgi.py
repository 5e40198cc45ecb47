"""Django as plain WSGI: pages and JSON, without sockets, streams and the webhook door."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "genproj.settings")

application = get_wsgi_application()

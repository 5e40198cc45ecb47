#!/usr/bin/env python
"""The command line: `python manage.py help`."""

import os
import sys

from genproj.env import BadVariable

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "genproj.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except BadVariable as wrong:
        sys.exit(str(wrong))

"""The scale-out form on one machine: `python -m deploy.scale`, or `make scale`."""

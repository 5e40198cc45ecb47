"""The staff's desk: the register and its repair. Everything but the registry of models is
written through operations."""

from generations.admin import catalogue, entries, projections, registry

__all__ = ["catalogue", "entries", "projections", "registry"]

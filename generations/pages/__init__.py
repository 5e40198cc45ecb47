"""The pages about generations: asking for pictures, waiting for them, keeping them."""

from generations.pages.asking import create
from generations.pages.details import act, artifact, generation
from generations.pages.lists import gallery
from generations.pages.taking import download

__all__ = ["act", "artifact", "create", "download", "gallery", "generation"]

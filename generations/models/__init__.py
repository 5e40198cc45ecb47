"""The register, the catalogue that lists read, the registry of models, and what stands beside."""

from generations.models.beside import Act, ArtifactTag, ArtifactUse, EntryTag, Star, Trash
from generations.models.catalogue import Artifact, Generation
from generations.models.register import Output, Preview, Projection, RegisterEntry
from generations.models.registry import ProviderModel

__all__ = [
    "Act",
    "Artifact",
    "ArtifactTag",
    "ArtifactUse",
    "EntryTag",
    "Generation",
    "Output",
    "Preview",
    "Projection",
    "ProviderModel",
    "RegisterEntry",
    "Star",
    "Trash",
]

"""The JSON doors of generations, artifacts, models and media."""

from generations.queries import artifact_json, generation_json

__all__ = ["artifact_json", "generation_json"]

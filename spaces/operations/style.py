"""What every new picture of a space is made to look like, and words that are often used."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.operations import uses
from generations.queries.belonging import artifacts_of
from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid, VersionConflict
from genproj.kernel.ids import uuid7
from spaces.errors import SnippetNotFound
from spaces.models import Snippet, Space, Variant
from spaces.operations import words
from spaces.operations.entering import Here, change, entered
from spaces.operations.telling import tell_space
from spaces.permissions import Act

MOST_ARTIFACTS = 5
LONGEST_STYLE = 2000
MOST_SNIPPETS = 100
LONGEST_SNIPPET_NAME = 80
LONGEST_SNIPPET = 1000


@rows.atomically
def set_style(
    *,
    actor: User,
    space_id: UUID,
    description: str | None = None,
    artifacts: Sequence[UUID] | None = None,
    enabled: bool | None = None,
    version: int | None = None,
) -> Space:
    """Change what is given of the style; nothing new: no change.

    Raises:
        Invalid: the text is too long, there are too many pictures, or one is not this space's.
        VersionConflict: the style is not at `version` any more.
    """
    here = _entered(actor, space_id, version)
    facts: dict[str, Any] = {}
    if description is not None:
        text = words.paragraph(description, pointer="/description", longest=LONGEST_STYLE)
        facts["style_description"] = text
    if artifacts is not None:
        facts["style_artifacts"] = _pictures(here, list(dict.fromkeys(artifacts)))
    if enabled is not None:
        facts["style_enabled"] = enabled
    return _changed(here, facts)


@rows.atomically
def toggle(*, actor: User, space_id: UUID, enabled: bool, version: int | None = None) -> Space:
    """Have the style put before every prompt, or not."""
    return _changed(_entered(actor, space_id, version), {"style_enabled": enabled})


@rows.atomically
def delete(*, actor: User, space_id: UUID, version: int | None = None) -> Space:
    """Have no style; repeated it changes nothing."""
    nothing = {"style_description": "", "style_artifacts": [], "style_enabled": False}
    return _changed(_entered(actor, space_id, version), nothing)


def _entered(actor: User, space_id: UUID, version: int | None) -> Here:
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_STYLE)
    if version is not None and here.space.style_version != version:
        raise VersionConflict
    return here


def _pictures(here: Here, ids: list[UUID]) -> list[str]:
    """The pictures' ids, if they are this space's own."""
    if len(ids) > MOST_ARTIFACTS:
        detail = f"Must have at most {MOST_ARTIFACTS} items."
        raise Invalid.one("/artifacts", "too_many", detail)
    known = artifacts_of(audience=f"space:{here.space.pk}", ids=ids)
    shown = Variant.objects.filter(space=here.space, artifact__in=ids)
    known |= {id for id in shown.values_list("artifact", flat=True) if id}
    strange = [
        {
            "pointer": f"/artifacts/{place}",
            "code": "not_found",
            "detail": "There is no such picture in this space.",
        }
        for place, id in enumerate(ids)
        if id not in known
    ]
    if strange:
        raise Invalid(strange)
    return [str(id) for id in ids]


def _changed(here: Here, facts: dict[str, Any]) -> Space:
    space = here.space
    new = {name: value for name, value in facts.items() if getattr(space, name) != value}
    if new:
        uses.settle_uses(
            holder=f"style:{space.pk}",
            audience=f"space:{space.pk}",
            artifact_ids=[
                UUID(str(id)) for id in new.get("style_artifacts", space.style_artifacts)
            ],
        )
        change(space, facts={**new, "style_version": space.style_version + 1})
        tell_space(space)
    return space


@rows.atomically
def add_snippet(*, actor: User, space_id: UUID, name: str, text: str) -> Snippet:
    """Keep words under a name.

    Raises:
        Invalid: the name is taken, a field is empty or too long, or there are too many.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_STYLE)
    known = Snippet.objects.filter(space=here.space)
    if known.count() >= MOST_SNIPPETS:
        raise Invalid.one("", "too_many", f"A space keeps at most {MOST_SNIPPETS} snippets.")
    snippet = Snippet(
        id=uuid7(),
        space=here.space,
        name=_free_name(here, name),
        text=_text(text),
        created_by=actor,
        created_at=now(),
    )
    snippet.save(force_insert=True)
    _tell(here)
    return snippet


@rows.atomically
def change_snippet(
    *,
    actor: User,
    space_id: UUID,
    snippet_id: UUID,
    name: str | None = None,
    text: str | None = None,
) -> Snippet:
    """Change what is given of a snippet.

    Raises:
        SnippetNotFound: there is none here.
        Invalid: as for `add_snippet`.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_STYLE)
    snippet = _snippet(here, snippet_id)
    was = snippet.name, snippet.text
    if name is not None:
        snippet.name = _free_name(here, name, besides=snippet_id)
    if text is not None:
        snippet.text = _text(text)
    if (snippet.name, snippet.text) != was:
        snippet.save(update_fields=["name", "text"])
        _tell(here)
    return snippet


@rows.atomically
def delete_snippet(*, actor: User, space_id: UUID, snippet_id: UUID) -> None:
    """Forget a snippet.

    Raises:
        SnippetNotFound: there is none here.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_STYLE)
    _snippet(here, snippet_id).delete()
    _tell(here)


def _snippet(here: Here, snippet_id: UUID) -> Snippet:
    found = Snippet.objects.filter(pk=snippet_id, space=here.space).select_related("created_by")
    snippet = found.first()
    if snippet is None:
        raise SnippetNotFound
    return snippet


def _free_name(here: Here, name: str, *, besides: UUID | None = None) -> str:
    name = words.line(name, pointer="/name", longest=LONGEST_SNIPPET_NAME)
    if Snippet.objects.filter(space=here.space, name=name).exclude(pk=besides).exists():
        raise Invalid.one("/name", "taken", "There is a snippet of this name.")
    return name


def _text(text: str) -> str:
    text = words.paragraph(text, pointer="/text", longest=LONGEST_SNIPPET)
    if not text:
        raise Invalid.one("/text", "too_short", "Must not be empty.")
    return text


def _tell(here: Here) -> None:
    """Snippets stand beside the space: its version says that they are to be read again."""
    change(here.space, facts={})
    tell_space(here.space)

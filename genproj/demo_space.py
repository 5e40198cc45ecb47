"""The demo world's space: six assets with their descent, made as two people would make them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from genproj import production
from genproj.demo import SPACE, Wait, wait_until
from genproj.kernel import logs, rows
from genproj.kernel.errors import Refusal
from spaces.operations import making, members, spaces, style, talking, variants
from spaces.operations.recipes import Wish
from spaces.permissions import Role
from spaces.queries import demo
from spaces.queries.demo import Standing

OWNER, FRIEND = "alice", "bob"
NAME = "Lighthouse"
GEMINI = "gemini-3.1-flash-image"
QUESTION = "Which of these would you put on the poster, and why?"


@dataclass(frozen=True)
class Piece:
    """One asset: who makes it, and what of. Without a prompt it is a copy."""

    name: str
    asset_type: str
    maker: str
    prompt: str = ""
    of: tuple[str, ...] = ()
    below: str = ""
    count: int = 1
    model: str = ""


PIECES = (
    Piece("The lighthouse", "place", OWNER, "a lighthouse on a rock at dusk, calm sea", count=2),
    Piece("The keeper", "character", OWNER, "portrait of an old keeper, warm lamp light"),
    Piece(
        "The keeper on watch",
        "scene",
        FRIEND,
        "portrait of the keeper on watch before the lighthouse, golden evening",
        of=("The keeper", "The lighthouse"),
        below="The keeper",
        model=GEMINI,
    ),
    Piece(
        "Winter storm",
        "scene",
        FRIEND,
        "the lighthouse in a winter storm, high waves",
        of=("The lighthouse",),
        below="The lighthouse",
        model=GEMINI,
    ),
    Piece("The keeper's double", "character", OWNER, of=("The keeper",), below="The keeper"),
    Piece(
        "The cave",
        "place",
        FRIEND,
        "the forbidden cave under the cliff",
        below="The lighthouse",
        model=GEMINI,
    ),
)


def make_space(*, wait: Wait = wait_until) -> Iterator[str]:
    """Make it once, where no space was ever made; an interrupted making is ended.

    Yields what happened, line by line.
    """
    addresses = (settings.RUNWARE_BASE_URL, settings.GEMINI_BASE_URL, settings.ANTHROPIC_BASE_URL)
    if not all(address.startswith(settings.SANDBOX_URL) for address in addresses):
        yield "A provider is not the sandbox; no demo space is made."
        return
    if not {OWNER, FRIEND} <= set(production.demo_accounts()):
        return
    people = {one.get_username(): one for one in get_user_model()._default_manager.all()}
    with logs.bound(request_id=SPACE):
        standing = demo.standing(request_id=SPACE)
        if standing is None:
            if not demo.is_wanted(request_id=SPACE):
                return
            standing = _begun(people[OWNER])
        elif standing.spoken and standing.is_settled:
            return
        for piece in PIECES:
            standing = _with(piece, standing, people, wait)
        yield _finished(standing, people, wait)


@rows.atomically
def _begun(owner: User) -> Standing:
    """The space with its first asset, by whose entry it is known again."""
    space = spaces.create(actor=owner, name=NAME)
    members.add(actor=owner, space_id=space.pk, username=FRIEND, role=Role.EDITOR)
    empty = demo.standing_of(space_id=space.pk)
    _make(PIECES[0], empty, owner)
    return demo.standing_of(space_id=space.pk)


def _with(piece: Piece, standing: Standing, people: dict[str, User], wait: Wait) -> Standing:
    """The space with this piece, its pictures come."""
    if piece.name not in standing.assets:
        with contextlib.suppress(Refusal):  # somebody has changed what it would come from
            _make(piece, standing, people[piece.maker])
    wait(lambda: demo.standing_of(space_id=standing.space_id).is_settled)
    return demo.standing_of(space_id=standing.space_id)


def _make(piece: Piece, standing: Standing, maker: User) -> None:
    parents = [id for name in piece.of if (id := _asset(standing, name)) is not None]
    below = _asset(standing, piece.below)
    if not piece.prompt:
        making.fork(
            actor=maker,
            space_id=standing.space_id,
            name=piece.name,
            asset_type=piece.asset_type,
            source_asset_id=parents[0] if parents else None,
            parent_asset_id=below,
        )
        return
    making.generate(
        actor=maker,
        space_id=standing.space_id,
        name=piece.name,
        asset_type=piece.asset_type,
        wish=Wish(prompt=piece.prompt, model=piece.model, reference_asset_ids=parents),
        parent_asset_id=below,
        count=piece.count,
    )


def _asset(standing: Standing, name: str) -> UUID | None:
    return standing.assets[name][0] if name in standing.assets else None


def _finished(standing: Standing, people: dict[str, User], wait: Wait) -> str:
    """Refine one, star and rate some, set a style, and begin to talk."""
    owner, friend = people[OWNER], people[FRIEND]
    space_id, assets = standing.space_id, standing.assets
    with contextlib.suppress(Refusal, KeyError):
        if not standing.refined:
            making.refine(
                actor=friend,
                space_id=space_id,
                asset_id=assets["The lighthouse"][0],
                wish=Wish(prompt="the same lighthouse at night, stars", model=GEMINI),
            )
        for name, rating, words in (
            ("The keeper", "approved", ""),
            ("Winter storm", "needs_changes", "The waves could be higher still."),
        ):
            if (best := assets[name][1]) is not None:
                variants.star(actor=owner, space_id=space_id, variant_id=best, starred=True)
                variants.rate(
                    actor=friend, space_id=space_id, variant_id=best, rating=rating, comment=words
                )
        style.set_style(actor=owner, space_id=space_id, description="muted colours, soft grain")
    wait(lambda: demo.standing_of(space_id=space_id).is_settled)
    with contextlib.suppress(Refusal):
        if not standing.spoken:
            talking.send(actor=owner, space_id=space_id, content=QUESTION)
    return f"Demo space: {NAME}, {len(demo.standing_of(space_id=space_id).assets)} assets."

"""Sets budgets, keeps what is asked for within them, and tells when one comes to its end.

What is spent and held never exceeds a hard limit, but for two things that are facts before they
are money: a hold may settle at more than it held, and a cost may come when nothing is held for it
(a late result, the tokens of a reply).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F

from genproj import audiences
from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, Invalid, NotFound, VersionConflict
from genproj.kernel.ids import uuid7
from genproj.notices.operations import notify
from genproj.usage.errors import BudgetExhausted, BudgetNotFound, PriceUnknown
from genproj.usage.models import Budget
from genproj.usage.operations.costs import Cost, exact
from genproj.usage.queries import budgets as known
from genproj.usage.queries import totals
from genproj.webhooks import outbox

log = logs.component("budgets")


@dataclass(frozen=True)
class Terms:
    """What a budget allows, and to whom. `person` and `model` narrow it."""

    limit: Decimal
    hard: bool = True
    person: User | None = None
    model: str = ""


# --- keeping within them --------------------------------------------------------------------------


@rows.atomically
def lock_budgets(*, audience: str, owner_id: int | None) -> None:
    """Lock the budgets that a cost of this audience and person falls under, by id.

    For operations that lock other rows before they hold money: budgets come first. Without a
    budget it asks nothing.
    """
    if named := known.covering(audience, owner_id):
        _locked(named, owner_id)


@rows.atomically
def admit(costs: Sequence[Cost], /) -> None:
    """Let costs be held, or refuse all of them. Their budgets stay locked until the commit, so
    of many at once each sees what those before it have held.

    Raises:
        BudgetExhausted: what is spent, held and asked for is more than a hard limit.
        PriceUnknown: a model without a price is asked for under a budget.
    """
    for owner_id in dict.fromkeys(cost.owner_id for cost in costs):
        owned = [cost for cost in costs if cost.owner_id == owner_id]
        named: set[str] = set()
        for audience in dict.fromkeys(cost.audience for cost in owned):
            named |= known.covering(audience, owner_id)
        if named:
            for budget in _locked(named, owner_id):
                _admit(budget, [cost for cost in owned if _covers(budget, cost)])


def _admit(budget: Budget, costs: Sequence[Cost]) -> None:
    if not costs:
        return
    if unknown := next((cost.model for cost in costs if not cost.priced), None):
        words = f"{unknown} has no price, and a budget covers this. Staff can enter one."
        raise PriceUnknown(words, model=unknown)
    asked = sum((cost.amount for cost in costs), Decimal(0))
    used = totals.used(known.scope_of(budget))
    if budget.hard and used.total + asked > budget.limit:
        left = max(budget.limit - used.total, Decimal(0))
        raise BudgetExhausted(
            f"This would cost {known.amount(asked)} USD; of this month's "
            f"{known.amount(budget.limit)} USD {known.amount(left)} are left.",
            left=known.amount(left),
            limit=known.amount(budget.limit),
            asked=known.amount(asked),
            budget=str(budget.pk),
        )
    _note(budget, used.total + asked)


def _covers(budget: Budget, cost: Cost) -> bool:
    if budget.model not in ("", cost.model):
        return False
    return budget.audience in {cost.audience, f"user:{cost.owner_id}"}


def _locked(named: Iterable[str], owner_id: int | None) -> list[Budget]:
    found = known.budgets_for(named, owner_id)
    if rows.locks_rows():
        found = found.select_for_update(no_key=True, of=("self",))
    return list(found)


# --- telling --------------------------------------------------------------------------------------


def _note(budget: Budget, total: Decimal) -> None:
    """Tell once a month that a locked budget is nearly, or all, used."""
    begin, _ = totals.month_of(now())
    state = known.state_of(budget.limit, total)
    if state == "exhausted" and not _since(budget.exhausted_at, begin):
        _tell(budget, total, "budget.exhausted", exhausted_at=True)
    elif state == "warning" and not _since(budget.warned_at, begin):
        _tell(budget, total, "budget.warning", exhausted_at=False)


def _since(moment: object, begin: object) -> bool:
    return moment is not None and moment >= begin  # type: ignore[operator]


def _tell(budget: Budget, total: Decimal, event: str, *, exhausted_at: bool) -> None:
    at = now()
    # who has been told that all is gone is not told any more that little is left
    facts = {"warned_at": at, "exhausted_at": at} if exhausted_at else {"warned_at": at}
    Budget.objects.filter(pk=budget.pk).update(**facts)
    for name, value in facts.items():
        setattr(budget, name, value)
    whose = audiences.names_of([budget.audience]).get(budget.audience, budget.audience)
    share = "All" if exhausted_at else f"{int(total * 100 / budget.limit)} %"
    title = (
        f"{share} of this month’s budget for {whose} is used: "
        f"{known.amount(total)} of {known.amount(budget.limit)} USD."
    )
    for person in _told_of(budget):
        notify(owner=person, kind=event, title=title, url=page_of(budget.audience))
    outbox.owe(
        type=event,
        audience=budget.audience,
        owner_id=budget.person_id,
        data={
            "budget": str(budget.pk),
            "audience": budget.audience,
            "person": budget.person.get_username() if budget.person else None,
            "model": budget.model,
            "limit": known.amount(budget.limit),
            "used": known.amount(total),
            "hard": budget.hard,
            "url": page_of(budget.audience),
        },
    )
    log.info("told", budget=str(budget.pk), type=event, used=str(total))


def _told_of(budget: Budget) -> list[User]:
    ids = set(audiences.owner_ids_of(budget.audience))
    if budget.person_id is not None:
        ids.add(budget.person_id)
    return list(User.objects.filter(pk__in=ids, is_active=True).order_by("pk"))


def page_of(audience: str) -> str:
    """Where the usage of an audience is shown."""
    kind, _, key = audience.partition(":")
    return f"/usage/?space={key}" if kind == "space" else "/usage/"


def watch_budgets() -> int:
    """Sweep: tell of budgets that settled and late costs have brought to their end.

    Returns how many were told of.
    """
    told = 0
    for id in list(Budget.objects.order_by("id").values_list("pk", flat=True)):
        told += _watch(budget_id=id)
    return told


def _watch(*, budget_id: UUID) -> bool:
    begin, _ = totals.month_of(now())
    seen = Budget.objects.filter(pk=budget_id).first()
    if seen is None or _since(seen.exhausted_at, begin):
        return False
    total = totals.used(known.scope_of(seen)).total
    state = known.state_of(seen.limit, total)
    if state == "ok" or (state == "warning" and _since(seen.warned_at, begin)):
        return False
    return _told_once(budget_id=budget_id)


@rows.atomically
def _told_once(*, budget_id: UUID) -> bool:
    budget = _find(budget_id)
    if budget is None:
        return False
    before = (budget.warned_at, budget.exhausted_at)
    _note(budget, totals.used(known.scope_of(budget)).total)
    return before != (budget.warned_at, budget.exhausted_at)


# --- setting them ---------------------------------------------------------------------------------


@rows.atomically
def set_budget(*, actor: User, audience: str, terms: Terms) -> tuple[Budget, bool]:
    """Set what may be spent; of the same audience, person and model there is one budget, whose
    terms these become. Returns it, and whether it is new.

    Other processes heed a first budget of an audience after a second at most.

    Raises:
        Forbidden: `actor` may not set budgets there.
        NotFound: there is nothing there that `actor` can see.
        Invalid: no such limit, or a person who does not belong there.
    """
    require_may_set(actor=actor, audience=audience)
    limit = _limit(terms.limit)
    if terms.person is not None and audiences.level(terms.person, audience) is None:
        raise Invalid.one("/person", "unknown", "This person is not in there.")
    same = Budget.objects.filter(audience=audience, person=terms.person, model=terms.model)
    at = now()
    fresh = Budget(
        id=uuid7(),
        audience=audience,
        person=terms.person,
        model=terms.model,
        limit=limit,
        hard=terms.hard,
        created_by=actor,
        created_at=at,
        updated_at=at,
    )
    Budget.objects.bulk_create([fresh], ignore_conflicts=True)
    row = same.get()
    if row.pk != fresh.pk:
        return change_budget(
            actor=actor, audience=audience, budget_id=row.pk, limit=limit, hard=terms.hard
        ), False
    rows.after_commit(known.audiences_with_budgets.forget)  # type: ignore[attr-defined]
    _note(row, totals.used(known.scope_of(row)).total)
    log.info("set", budget=str(row.pk), audience=audience, limit=str(limit), user=actor.pk)
    return row, True


@rows.atomically
def change_budget(
    *,
    actor: User,
    audience: str,
    budget_id: UUID,
    limit: Decimal | None = None,
    hard: bool | None = None,
    version: int | None = None,
) -> Budget:
    """Change the terms of a budget. A limit that is raised is told of anew when it is reached.

    Raises:
        BudgetNotFound: there is none of this audience.
        VersionConflict: somebody has changed it since `version`.
        Forbidden, NotFound, Invalid: as for `set_budget`.
    """
    require_may_set(actor=actor, audience=audience)
    row = _find(budget_id)
    if row is None or row.audience != audience:
        raise BudgetNotFound
    if version is not None and version != row.version:
        raise VersionConflict
    wanted = row.limit if limit is None else _limit(limit)
    facts: dict[str, object] = {"limit": wanted, "hard": row.hard if hard is None else hard}
    if wanted > row.limit:
        facts |= {"warned_at": None, "exhausted_at": None}
    Budget.objects.filter(pk=row.pk).update(**facts, updated_at=now(), version=F("version") + 1)
    row.refresh_from_db()
    _note(row, totals.used(known.scope_of(row)).total)
    log.info("changed", budget=str(row.pk), limit=str(wanted), user=actor.pk)
    return row


@rows.atomically
def delete_budget(*, actor: User, audience: str, budget_id: UUID) -> None:
    """Take a limit away. One that is gone stays so.

    Raises:
        Forbidden, NotFound: as for `set_budget`.
    """
    require_may_set(actor=actor, audience=audience)
    Budget.objects.filter(pk=budget_id, audience=audience).delete()
    rows.after_commit(known.audiences_with_budgets.forget)  # type: ignore[attr-defined]


def require_may_set(*, actor: User, audience: str) -> None:
    """Staff set budgets over people, owners those of what they own.

    Raises:
        Forbidden: `actor` sees it, but may not.
        NotFound: `actor` does not even see it.
    """
    level = audiences.level(actor, audience)
    if level is None:
        raise NotFound
    if level != "owner" or (audience.startswith("user:") and not actor.is_staff):
        raise Forbidden


def require_staff(*, actor: User) -> None:
    """Forbidden for everybody but staff."""
    if not actor.is_staff:
        raise Forbidden


def _limit(limit: Decimal) -> Decimal:
    try:
        return exact(limit)
    except Invalid as refusal:
        words = refusal.errors[0]["detail"]
        raise Invalid.one("/limit", refusal.errors[0]["code"], words) from None


def _find(id: UUID) -> Budget | None:
    found = Budget.objects.select_related("person").filter(pk=id)
    if rows.locks_rows():
        found = found.select_for_update(no_key=True, of=("self",))
    return found.first()

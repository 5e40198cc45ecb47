"""The ledger: lines that are written once and never changed. Budgets, and what is told of lines."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from genproj.kernel.leases import Leased


class LedgerLine(models.Model):
    """One movement of money, in US dollars.

    `hold` sets an amount aside, `settle` and `release` close a hold (at the real cost, at
    nothing), `charge` is a cost that no hold was open for. `subject` names what it is for:
    `entry:ID`, `video:ID`.
    """

    class Kind(models.TextChoices):
        HOLD = "hold"
        SETTLE = "settle"
        RELEASE = "release"
        CHARGE = "charge"

    class What(models.TextChoices):
        """What money goes for; `units` says how many of it."""

        IMAGES = "images"
        VIDEOS = "videos"
        TOKENS_IN = "tokens_in"
        TOKENS_OUT = "tokens_out"

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.CharField(max_length=80)
    closes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="closed_by"
    )
    key = models.CharField(
        max_length=120,
        blank=True,
        default="",
        help_text="Makes a charge happen once; of a hold, its number among the subject's.",
    )
    amount = models.DecimalField(max_digits=14, decimal_places=6)
    audience = models.CharField(max_length=80)
    # without an index of its own: `line_by_owner` begins with it
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    what = models.CharField(max_length=12, choices=What.choices, blank=True, default="")
    units = models.PositiveIntegerField(default=0)
    provider = models.CharField(max_length=40, blank=True, default="")
    model = models.CharField(max_length=120, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(name="amounts_are_not_negative", condition=Q(amount__gte=0)),
            models.CheckConstraint(
                name="a_closing_line_names_its_hold",
                condition=Q(kind__in=["settle", "release"], closes__isnull=False)
                | Q(kind__in=["hold", "charge"], closes__isnull=True),
            ),
            models.CheckConstraint(
                name="a_released_hold_costs_nothing",
                condition=~Q(kind="release") | Q(amount=0),
            ),
            models.UniqueConstraint(
                fields=["subject", "key"],
                condition=Q(kind="charge"),
                name="charge_once_per_key",
            ),
            # the next hold is written by who has seen the last one closed: once
            models.UniqueConstraint(
                fields=["subject", "key"],
                condition=Q(kind="hold"),
                name="hold_once_per_number",
            ),
        ]
        indexes = [
            models.Index(fields=["subject", "created_at"], name="line_by_subject"),
            # for what an audience spent in a month
            models.Index(fields=["audience", "created_at"], name="line_by_audience"),
            # for what a person spent, wherever
            models.Index(fields=["owner", "created_at"], name="line_by_owner"),
            # for what is to be told to the billing service
            models.Index(
                fields=["created_at"],
                condition=Q(kind__in=["settle", "charge"]),
                name="line_spent_by_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} for {self.subject}"


class Budget(models.Model):
    """What may be spent in a calendar month (UTC). No budget means unlimited.

    `space:ID` covers what is spent in that space; `user:ID` all that this person asks for, in
    spaces too. `person` and `model` narrow it. A hard one stops what does not fit any more; a
    soft one only tells. `warned_at` and `exhausted_at` count for the month they lie in.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    audience = models.CharField(max_length=80)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    model = models.CharField(max_length=120, blank=True, default="")
    limit = models.DecimalField(max_digits=14, decimal_places=6)
    hard = models.BooleanField(default=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    exhausted_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(name="limits_are_not_negative", condition=Q(limit__gte=0)),
            models.UniqueConstraint(
                fields=["audience", "model"],
                condition=Q(person__isnull=True),
                name="budget_once_for_all",
            ),
            models.UniqueConstraint(
                fields=["audience", "model", "person"],
                condition=Q(person__isnull=False),
                name="budget_once_per_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.limit} a month for {self.audience}"


class DayOfCalls(models.Model):
    """How often the language model was asked for a person on one day (UTC)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "day"], name="calls_once_per_day"),
        ]

    def __str__(self) -> str:
        return f"{self.count} calls on {self.day}"


class ExportedLine(Leased):
    """A line that the billing service is told of. Its id there is the line's id."""

    class State(models.TextChoices):
        OWED = "owed"
        TOLD = "told"
        DEAD = "dead"

    line = models.OneToOneField(
        LedgerLine, primary_key=True, on_delete=models.PROTECT, related_name="exported"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.OWED)
    outcome = models.CharField(max_length=300, blank=True, default="")
    written_at = models.DateTimeField(help_text="When the line was written.")
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-written_at", "-line"]
        indexes = [
            # for the claim of `genproj.usage.jobs.export` and the clock's look
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="export_due"),
            # for the newest line that is listed here, and the dead letters
            models.Index(fields=["written_at"], name="export_by_time"),
            models.Index(fields=["state"], condition=Q(state="dead"), name="export_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.line_id}"

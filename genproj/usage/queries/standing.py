"""What of the money waits for a person."""

from genproj.kernel.memory import remembered
from genproj.usage.models import Budget, ExportedLine
from genproj.usage.queries.budgets import view


def dead_lines() -> int:
    """How many spent lines the billing service has refused."""
    return ExportedLine.objects.filter(state=ExportedLine.State.DEAD).count()


@remembered(10.0)
def exhausted_budgets() -> int:
    """How many budgets of this month are used up. Only those are looked at that were told of."""
    told = Budget.objects.filter(exhausted_at__isnull=False).select_related("person")
    return sum(1 for row in told if view(row).state == "exhausted")

"""Addresses of money for programs."""

from django.urls import path

from genproj.usage import api

urlpatterns = [
    path("api/v1/usage/", api.UsageReport.as_view(), name="api_usage"),
    path("api/v1/usage/lines/", api.UsageLines.as_view(), name="api_usage_lines"),
    path("api/v1/usage/csv/", api.UsageCsv.as_view(), name="api_usage_csv"),
    path("api/v1/budgets/", api.BudgetList.as_view(), name="api_budgets"),
    path("api/v1/budgets/<uuid:id>/", api.BudgetDetail.as_view(), name="api_budget"),
]

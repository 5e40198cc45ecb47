"""The JSON API's manners: problems, strict bodies, pages, versions and limits."""

from genproj.kernel.api.bodies import known_query, read_body
from genproj.kernel.api.doors import (
    PAGING,
    Door,
    cursor_of,
    page_answer,
    require_match,
    size_of,
    versioned,
    whole_list_answer,
)
from genproj.kernel.api.problems import problem, problem_response

__all__ = [
    "PAGING",
    "Door",
    "cursor_of",
    "known_query",
    "page_answer",
    "problem",
    "problem_response",
    "read_body",
    "require_match",
    "size_of",
    "versioned",
    "whole_list_answer",
]

"""The stand-in for the language model, where it works on pictures with a team."""

import json
from typing import Any

import pytest

from genproj.sandbox import studio

TOOLS = ("search", "describe", "compare", "generate", "refine", "batch_generate", "rename", "tag")
KNIGHT = {
    "id": "k1",
    "name": "Knight",
    "asset_type": "character",
    "variant_count": 2,
    "active_variant_id": "v1",
}


def request(words: str, *more: dict[str, Any], tools: tuple[str, ...] = TOOLS) -> dict[str, Any]:
    said = {"role": "user", "content": [{"type": "text", "text": words}]}
    return {"tools": [{"name": name} for name in tools], "messages": [said, *more]}


def brought(name: str, value: Any, *, given: Any = None) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": "t1", "name": name, "input": given or {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": json.dumps(value)}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


FOUND = brought("search", {"total": 1, "assets": [KNIGHT]})


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ("what do we have?", [("search", {})]),
        ("find the lighthouse", [("search", {"query": "lighthouse"})]),
        ("make the knight's armor more battle-worn", [("search", {"query": "knight"})]),
        (
            "generate three variants of a lighthouse at night",
            [
                (
                    "batch_generate",
                    {
                        "name": "Lighthouse at night",
                        "prompt": "A lighthouse at night",
                        "count": 3,
                        "mode": "explore",
                    },
                )
            ],
        ),
        ("create a dragon", [("generate", {"name": "Dragon", "prompt": "A dragon"})]),
        ("thanks", []),
    ],
)
def test_first_it_looks_or_proposes(words: str, calls: list[Any]) -> None:
    assert studio.answer(request(words))[0] == calls


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        (
            "make the knight's armor more battle-worn",
            [("refine", {"asset_id": "k1", "prompt": "Make the knight's armor more battle-worn"})],
        ),
        (
            "rename the knight to Sir Fog; tag the knight as hero, night",
            [
                ("rename", {"asset_id": "k1", "name": "Sir Fog"}),
                ("tag", {"asset_id": "k1", "add": ["hero", "night"]}),
            ],
        ),
        ("describe the knight", [("describe", {"variant_id": "v1"})]),
    ],
)
def test_what_it_has_found_it_uses(words: str, calls: list[Any]) -> None:
    assert studio.answer(request(words, *FOUND))[0] == calls


def test_it_tells_what_is_there_and_what_came_of_its_calls() -> None:
    _, told = studio.answer(request("what do we have?", *FOUND))
    assert told == "We have 1 asset: Knight (character, 2 pictures)."
    done = brought("rename", {"status": "executed", "name": "Sir Fog"})
    assert studio.answer(request("rename it", *done)) == ([], "Done: rename – Sir Fog.")
    refused = brought("rename", {"status": "rejected", "reason": "no"})
    assert "decided against it" in studio.answer(request("rename it", *refused))[1]


def test_an_advisor_only_says_what_it_would_do() -> None:
    calls, told = studio.answer(request("create a dragon", tools=("search", "describe", "compare")))
    assert calls == []
    assert "switch to Actor" in told

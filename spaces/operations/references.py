"""What a step of a plan says of an earlier one: `step:2` for what the second step makes."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

#: tools that make an asset and variants of it
MAKERS = frozenset({"generate", "derive", "refine", "batch_generate", "fork"})
REFERENCE = re.compile(r"step:([1-9][0-9]?)")
NOUNS = ("asset_id", "asset_ids", "variant_id", "variant_ids")

Arguments = Mapping[str, Any]


def number_in(value: Any, /) -> int | None:
    """The step that a value names, if it names one."""
    found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def steps_in(arguments: Arguments, /) -> dict[str, int]:
    """The steps that are named, by where."""
    return {pointer: number for pointer, _, number in _named(arguments)}


def stood_in(arguments: Arguments, /) -> dict[str, Any]:
    """With ids that nothing has in their places, for the form to be judged."""
    return _replaced(arguments, lambda _, number: [str(UUID(int=number))])


def put_back(arguments: Arguments, /) -> dict[str, Any]:
    """What `stood_in` has replaced, as it was."""
    names = {str(UUID(int=number)): f"step:{number}" for number in range(1, 100)}

    def back(value: Any) -> Any:
        return [names.get(one, one) for one in value] if isinstance(value, list) else value

    return {
        name: names.get(value, value) if isinstance(value, str) else back(value)
        for name, value in arguments.items()
    }


def left_out(arguments: Arguments, /) -> dict[str, Any]:
    """Without them: what is known already."""
    return _replaced(arguments, lambda _, number: [])


def filled_in(arguments: Arguments, /, *, made: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """With what the steps have made; `made` is their results."""

    def ids(name: str, number: int) -> Sequence[str]:
        result = made[number]
        return [result["asset_id"]] if "asset" in name else result["variant_ids"]

    return _replaced(arguments, ids)


def _named(arguments: Arguments) -> Iterator[tuple[str, str, int]]:
    for name, value in arguments.items():
        if not name.endswith(NOUNS):
            continue
        several = enumerate(value) if isinstance(value, list) else [("", value)]
        for place, one in several:
            if (number := number_in(one)) is not None:
                yield f"/{name}/{place}".rstrip("/"), name, number


def _replaced(arguments: Arguments, ids: Callable[[str, int], Sequence[str]]) -> dict[str, Any]:
    """Each name of a step replaced by ids; where one is wanted by the first, by none by nothing."""
    done = dict(arguments)
    for name in {name for _, name, _ in _named(arguments)}:
        value = arguments[name]
        found: list[str] = []
        for one in value if isinstance(value, list) else [value]:
            number = number_in(one)
            found += [one] if number is None else ids(name, number)
        if isinstance(value, list):
            done[name] = list(dict.fromkeys(found))
        elif found:
            done[name] = found[0]
        else:
            del done[name]
    return done

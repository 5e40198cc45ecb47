"""Writes many rows by statements that are compiled once; the ORM compiles each of them anew.

For the few places where every picture passes. Nothing here sends signals, makes keys or takes the
time: whoever made the rows has done so.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from django.db import connection, models

Field: TypeAlias = "models.Field[Any, Any]"

#: SQLite takes 32,766 in a statement.
MOST_VALUES = 10_000


def insert_all(rows: Sequence[models.Model], *, passing_over: bool = False) -> None:
    """Insert rows of one model. `passing_over`: one whose place is taken is left out."""
    if not rows:
        return
    model = type(rows[0])
    fields = _inserted(model)
    most = max(1, MOST_VALUES // len(fields))
    with connection.cursor() as cursor:
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            values = [
                _value(field, getattr(row, field.attname)) for row in some for field in fields
            ]
            ending = " ON CONFLICT DO NOTHING" if passing_over else ""
            cursor.execute(_insert(connection.vendor, model, len(some)) + ending, values)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def update_each(
    model: type[models.Model], changes: Iterable[tuple[Any, Mapping[str, Any]]]
) -> None:
    """Give each of several rows facts of its own: (key, facts) after (key, facts).

    Rows that get facts of the same names are written by one statement, in the order of the first
    of them; within a statement no order is kept.
    """
    alike: dict[tuple[str, ...], list[Any]] = {}
    for key, facts in changes:
        if facts:
            alike.setdefault(tuple(facts), []).append((key, *facts.values()))
    if not alike:
        return
    with connection.cursor() as cursor:
        for names, lines in alike.items():
            fields = _named(model, names)
            most = max(1, MOST_VALUES // len(fields))
            for start in range(0, len(lines), most):
                some = lines[start : start + most]
                values = [
                    _value(field, value)
                    for line in some
                    for field, value in zip(fields, line, strict=True)
                ]
                cursor.execute(_update(connection.vendor, model, names, len(some)), values)


def _value(field: Field, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


@cache
def _inserted(model: type[models.Model]) -> list[Field]:
    """The columns that an insert fills: all but a number that the database gives."""
    fields = model._meta.local_concrete_fields
    return [field for field in fields if not isinstance(field, models.AutoField)]


@cache
def _named(model: type[models.Model], names: tuple[str, ...]) -> list[Field]:
    """The key's column, and those of some facts."""
    key = model._meta.pk
    assert key is not None
    return [key, *(model._meta.get_field(name) for name in names)]  # type: ignore[list-item]


@cache
def _insert(vendor: str, model: type[models.Model], count: int) -> str:
    fields = _inserted(model)
    columns = ", ".join(_quoted(field.column) for field in fields)
    line = f"({', '.join(['%s'] * len(fields))})"
    table = _quoted(model._meta.db_table)
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([line] * count)}"


@cache
def _update(vendor: str, model: type[models.Model], names: tuple[str, ...], count: int) -> str:
    """One statement for many rows, because each gives the interpreter away and has to wait for it.

    PostgreSQL is told the types, which it cannot see in a list of values.
    """
    fields = _named(model, names)
    places = ["%s" if vendor == "sqlite" else f"%s::{f.db_type(connection)}" for f in fields]
    line = f"({', '.join(places)})"
    table = _quoted(model._meta.db_table)
    given = [f"given.{_quoted(f'column{number}')}" for number in range(1, len(fields) + 1)]
    set_to = ", ".join(
        f"{_quoted(field.column)} = {value}"
        for field, value in zip(fields[1:], given[1:], strict=True)
    )
    return (
        f"UPDATE {table} SET {set_to} FROM (VALUES {', '.join([line] * count)}) AS given "
        f"WHERE {table}.{_quoted(fields[0].column)} = {given[0]}"
    )


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")

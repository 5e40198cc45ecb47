"""What imports cannot show, read off the syntax tree. Each rule yields "line: what is wrong"."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
#: A file or function that is longer says why in a comment or docstring that holds this word.
REASON = "Long because"
WRITES = {
    "save", "create", "bulk_create", "get_or_create", "update_or_create", "bulk_update", "delete",
    "update", "aupdate", "acreate", "adelete", "asave", "create_user", "create_superuser",
}  # fmt: skip
#: Chains that begin or run through these names are rows; `dict.update` and files are not.
ROWS = {"objects", "_default_manager", "_base_manager"}
QUERYSET_VERBS = {"filter", "exclude", "all", "select_for_update", "order_by"}


def may_write(path: PurePosixPath) -> bool:
    """Whether rows may be written in this file."""
    parts = path.parts
    return (
        "operations" in parts
        or path.name in {"operations.py", "admin.py"}
        or "migrations" in parts
        or str(path) in WRITERS
    )


#: Besides every app's operations.
WRITERS = {
    "genproj/kernel/lifecycle.py",
    "genproj/kernel/leases.py",
    "genproj/kernel/retention.py",
    "genproj/kernel/wake.py",  # django-q2's own schedule
    "genproj/events/log.py",
    "genproj/webhooks/inbox.py",
    "genproj/webhooks/outbox.py",
    "genproj/runtime/answers.py",  # key, effect and stored answer are one transaction
    "genproj/runtime/breakers.py",  # a breaker's rule and its row are one thing
    "genproj/accounts/people.py",
    "genproj/management/commands/seed_demo.py",  # people, through Django's own manager
}

#: Where a broad `except` is right, and how many.
BROAD = {
    "genproj/kernel/leases.py": 1,  # a worker outlives any row
    "genproj/kernel/wake.py": 3,  # a lane outlives any batch, a worker any broker
    "genproj/kernel/threads.py": 1,  # raised again where the result is awaited
    "genproj/clock.py": 1,  # one broken sweep must not stop the others
    # else a socket would stay open and say nothing, or a request have no answer
    "genproj/events/consumers.py": 2,
    "genproj/kernel/steps.py": 1,  # what is thrown into one coroutine is thrown into the one within
    "generations/operations/projection.py": 1,  # a projector is another app's code
    "generations/operations/replay.py": 1,  # shown in its row; the others are still replayed
}


def rows_written(tree: ast.AST) -> Iterator[str]:
    """Calls that write rows through a manager or a queryset."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and (node.func.attr in WRITES and is_rows(node.func.value) or is_bulk(node.func))
        ):
            yield f"{node.lineno}: writes rows ({node.func.attr})"


def is_bulk(called: ast.Attribute) -> bool:
    """Whether this is a verb of `genproj.kernel.bulk`."""
    return isinstance(called.value, ast.Name) and called.value.id == "bulk"


def is_rows(node: ast.AST) -> bool:
    """Whether an expression is a manager or a queryset, as far as its words tell."""
    while True:
        if isinstance(node, ast.Attribute):
            if node.attr in ROWS:
                return True
            node = node.value
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr in QUERYSET_VERBS:
                return True
            node = called
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return False


def loose_operations(tree: ast.Module) -> Iterator[str]:
    """Public operations that take positional or untyped arguments, or do not say what they return.

    One leading row (or a list of rows) is allowed without its name.
    """
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        given = node.args
        if len(given.posonlyargs + given.args) > 1 or given.vararg or given.kwarg:
            yield f"{node.lineno}: {node.name} takes more than one positional argument"
        for argument in given.posonlyargs + given.args + given.kwonlyargs:
            if argument.annotation is None:
                yield f"{argument.lineno}: {node.name}({argument.arg}) has no type"
        if node.returns is None:
            yield f"{node.lineno}: {node.name} does not say what it returns"


def too_long(source: str, tree: ast.AST) -> Iterator[str]:
    """A file over 400 or a function over 50 lines that gives no reason."""
    lines = source.splitlines()
    head = "\n".join(lines[:12])
    if len(lines) > LONGEST_FILE and REASON not in head:
        yield f"1: the file has {len(lines)} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            body = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if length > LONGEST_FUNCTION and REASON not in body:
                yield f"{node.lineno}: {node.name} has {length} lines"


def broad_excepts(tree: ast.AST) -> Iterator[str]:
    """Handlers of everything that end there; one that raises it again at its end hides nothing."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler) or not _is_broad(node.type):
            continue
        last = node.body[-1]
        if not (isinstance(last, ast.Raise) and last.exc is None):
            yield f"{node.lineno}: catches everything"


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(part) for part in caught.elts)
    return isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"}


def doorbells(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The job names that `wake("…")` is called with."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        first = node.args[0]
        if name == "wake" and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield node.lineno, first.value


def has_docstring(tree: ast.Module) -> bool:
    """Whether the module says what it is for."""
    return ast.get_docstring(tree) is not None

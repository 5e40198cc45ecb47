"""Read off the source: where text could become HTML, and how secrets are compared."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = [
    file
    for folder in ("genproj", "generations", "videos", "spaces")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if "sandbox" not in file.parts and "migrations" not in file.parts
]
SCRIPTS = sorted((ROOT / "genproj").rglob("static/**/*.js"))
PAGES = sorted((ROOT / "templates").rglob("*.html"))

WRITES_HTML = re.compile(
    r"innerHTML\s*[+]?=(?!=)|outerHTML\s*=(?!=)|insertAdjacentHTML|document\.write|"
    r"parseFromString|createContextualFragment|\beval\(|new Function|setHTMLUnsafe|srcdoc"
)
#: TABLE: how often a script makes HTML of text, and why that text is safe
MAKES_HTML = {
    "wall.js": (2, "tiles as the server wrote them, kept while they are out of sight"),
    "ui.js": (1, "a literal around the name of an icon, which scripts alone give"),
    "http.js": (1, "a part of a page of ours, escaped by its template"),
    "sharing.js": (1, "a part of a page of ours, escaped by its template"),
    "admin.js": (2, "a page of ours, and a cell of it, escaped by its template"),
}
UNESCAPED = re.compile(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq\b")
SECRET = re.compile(r"(?:^|_)(?:token|signature|digest|secret|password|hmac|mac)s?$")


def test_text_becomes_html_in_a_few_known_places() -> None:
    found = Counter(file.name for file in SCRIPTS for _ in WRITES_HTML.finditer(file.read_text()))
    assert found == {name: count for name, (count, _) in MAKES_HTML.items()}


def test_no_template_leaves_text_as_it_is_or_holds_a_script() -> None:
    for page in PAGES:
        text = page.read_text()
        assert not UNESCAPED.search(text), page
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son[a-z]+=[\"']|javascript:", text), page
        # An attribute without quotes ends at a blank: escaping does not help there.
        assert not re.search(r"\s[\w-]+=\{\{", text), page


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_no_code_declares_text_safe() -> None:
    for file in CODE:
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            first = node.args[0] if node.args else None
            if called(node) in {"mark_safe", "SafeString", "SafeText"}:
                assert isinstance(first, ast.Constant), f"{file}:{node.lineno}"
            if called(node) in {"format_html", "format_html_join"}:
                template = node.args[1] if called(node) == "format_html_join" else first
                assert isinstance(template, ast.Constant), f"{file}:{node.lineno}"


def named(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_secrets_are_compared_in_constant_time() -> None:
    for file in CODE:
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Compare):
                continue
            if not isinstance(node.ops[0], ast.Eq | ast.NotEq):
                continue
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) for side in sides):
                continue  # whether there is one at all
            assert not any(SECRET.search(named(side)) for side in sides), f"{file}:{node.lineno}"

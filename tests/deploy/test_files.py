"""What is in deploy/ can be read by what it is for, as far as that is here."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, python

DEPLOY = ROOT / "deploy"
UNITS = [
    "genproj.service",
    "genproj-clock.service",
    "genproj-web@8000.socket",
    "genproj-web@8000.service",
    "genproj-worker@1.service",
]
#: not ours: of uvicorn and of the images
THEIRS = {"FORWARDED_ALLOW_IPS", "GENPROJ_CLUSTER"}


def test_compose_names_every_process_and_only_settings_that_exist() -> None:
    found = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    services = found["services"]
    assert set(services) == {
        *("prepare", "web-1", "web-2", "worker-1", "worker-2", "clock"),
        *("front", "postgres", "redis", "store"),
    }
    for name, service in services.items():
        assert "image" in service, name
        assert set(service.get("depends_on", [])) <= set(services), name
    known = (ROOT / ".env.example").read_text()
    for name in {**found["x-genproj"]["environment"], **services["worker-1"]["environment"]}:
        assert name in THEIRS or re.search(rf"^#?{name}=", known, re.MULTILINE), name
    told = (DEPLOY / "compose" / "example.env").read_text()
    for name in re.findall(r"\$\{(\w+)", (DEPLOY / "compose" / "compose.yaml").read_text()):
        assert re.search(rf"^#?{name}=", told, re.MULTILINE), name


def test_the_image_holds_what_runs() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "compose" / "Dockerfile").read_text(), re.M)
    sources = {word for line in copied for word in line.split()}
    assert {"manage.py", "requirements.txt", "genproj", "generations"} <= sources
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_reads_the_unit(unit: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED, no systemd-analyze here")
    for file in (DEPLOY / "systemd").iterdir():
        text = file.read_text().replace("/opt/genproj/.venv/bin/python", python())
        (tmp_path / file.name).write_text(text.replace("/opt/genproj", str(ROOT)))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in said.stderr.splitlines() if "genproj" in line]
    assert (said.returncode, ours) == (0, [])


@pytest.mark.parametrize("name", ["nginx/genproj.conf", "compose/nginx.conf"])
def test_nginx_reads_its_file(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / name).read_text()
    assert text.count("{") == text.count("}")
    if shutil.which("nginx") is None:
        pytest.skip("NOT TESTED, no nginx here")
    text = re.sub(r"^\s*(ssl_|listen .*443).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"server web-(\d):8000 resolve", r"server 127.0.0.\1:8000", text)
    whole = f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{ {text} }}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    said = subprocess.run(
        ["nginx", "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "syntax is ok" in said.stderr, said.stderr  # its folders are another matter

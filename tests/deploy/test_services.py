"""What `make scale` finds and says, before anything is started."""

from pathlib import Path

import pytest

from deploy.scale import installation, services


def test_a_given_database_is_taken_and_its_password_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden@db.example.com/pictures")
    found = services.postgresql(tmp_path, 1)
    assert (found.role, found.is_ours) == (None, False)
    assert "db.example.com:5432/pictures" in found.words
    assert "hidden" not in found.words


def test_two_folders_never_share_a_database(tmp_path: Path) -> None:
    assert services.database_of(services.USUAL) == "genproj_scale"
    assert services.database_of(tmp_path) != services.database_of(tmp_path / "other")


def test_what_is_missing_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setattr(services, "REDIS_NUMBERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(services.Missing) as missing:
        services.redis_server(tmp_path, 1)
    assert "REDIS_URL" in str(missing.value)
    assert "\n" not in str(missing.value)


def test_the_table_holds_two_webs_and_two_clusters_that_take_over_from_each_other() -> None:
    table = {role.name: role for role in installation.wanted()}
    assert set(table) >= {"web-1", "web-2", "worker-1", "worker-2", "clock", "front"}
    rolling = [name for name, role in table.items() if role.rolls]
    assert rolling == ["web-1", "web-2", "worker-1", "worker-2"]
    assert all(table[name].extra["DRAIN_SECONDS"] == "1" for name in ("web-1", "web-2"))

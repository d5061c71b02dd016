"""Where decoded images are cached."""

import os
import tempfile
from pathlib import Path

import pytest

from ablate.vision.cache_folder import cache_root


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "home"


def mounts(folder: Path, home: Path, kind: str, temporary: str = "ext4") -> Path:
    table = folder / "mounts"
    table.write_text(f"disk / ext4 rw 0 0\nserver:/home {home} {kind} rw 0 0\ntmp {folder} {temporary} rw 0 0\n")
    return table


def test_the_users_cache_folder_unless_it_is_on_the_network(tmp_path: Path, home: Path) -> None:
    assert cache_root(None, mounts(tmp_path, home, "ext4")) == home / "cache" / "ablate"
    own = cache_root(None, mounts(tmp_path, home, "nfs4"))
    assert own == tmp_path / f"ablate-{os.getuid()}"
    assert own.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_asked_for_is_used(tmp_path: Path, home: Path) -> None:
    assert cache_root(str(home / "mine"), mounts(tmp_path, home, "nfs4")) == home / "mine"


def test_without_a_local_disk_the_users_cache_folder_is_used(tmp_path: Path, home: Path) -> None:
    assert cache_root(None, mounts(tmp_path, home, "nfs4", temporary="lustre")) == home / "cache" / "ablate"
    assert cache_root(None, tmp_path / "no such table") == home / "cache" / "ablate"


def test_a_folder_that_another_user_has_prepared_is_not_used(tmp_path: Path, home: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"ablate-{os.getuid()}").symlink_to(tmp_path / "theirs")
    assert cache_root(None, mounts(tmp_path, home, "nfs4")) == home / "cache" / "ablate"

"""The folder for decoded images: on a disk of this machine, because many runs read them at once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

MOUNTS = Path("/proc/self/mounts")
NETWORK = ("nfs", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb", "afs", "glusterfs", "fuse.sshfs", "pvfs", "wekafs")


def cache_root(asked: str | None, mounts: Path = MOUNTS) -> Path:
    """The folder with all caches: `data.cache` if it is set, otherwise the user's cache folder.

    If the user's cache folder is on a network file system, as home folders of clusters are, a folder of this user in the
    temporary folder of this machine is used instead.

    Args:
        asked: data.cache.
        mounts: the table of mounted file systems.
    """
    if asked:
        return Path(asked).expanduser()
    usual = Path(platformdirs.user_cache_dir("ablate"))
    if not _is_remote(usual, mounts):
        return usual
    own = Path(tempfile.gettempdir()) / f"ablate-{os.getuid()}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        usable = own.stat().st_uid == os.getuid() and not own.is_symlink()
    except OSError:
        usable = False
    return own if usable and not _is_remote(own, mounts) else usual


def _is_remote(path: Path, mounts: Path) -> bool:
    """Whether a path is on a network file system; false if that is unknown."""
    try:
        rows = [line.split() for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return False
    there = [(Path(row[1].replace("\\040", " ")), row[2]) for row in rows if len(row) > 2]
    holding = [(len(point.parts), kind) for point, kind in there if path.absolute().is_relative_to(point)]
    return bool(holding) and max(holding)[1].startswith(NETWORK)

"""Tell a network drive from a local disk: locks and SQLite's shared memory do not hold between computers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import NamedTuple

_NETWORK_TYPES = frozenset(
    [
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb2",
        "smb3",
        "smbfs",
        "webdav",
    ]
)
"""File systems of other computers, as Linux and macOS name them."""
_NETWORK_FUSE_PROGRAMS = ("ceph", "davfs", "gcsfuse", "gluster", "goofys", "gvfs", "rclone", "s3fs", "sshfs")
"""The same behind FUSE. Linux has them in the type (`fuse.sshfs`), macOS in the device."""
_EXTENDED_PATH, _EXTENDED_UNC_PATH = "\\\\?\\", "\\\\?\\UNC\\"


class Mount(NamedTuple):
    """One place where a disk or a drive appears in the folders of this computer, as psutil tells it."""

    device: str
    mountpoint: str
    fstype: str
    opts: str


def read_mounts() -> list[Mount]:
    """Return all mounts of this computer."""
    import psutil  # noqa: PLC0415 - only sending needs it

    return [
        Mount(one.device, one.mountpoint, one.fstype, one.opts) for one in psutil.disk_partitions(all=True)
    ]


def find_network_type(folder: Path) -> str | None:
    """Return the kind of network drive that an absolute path lies on, or None for a local disk."""
    return classify_path(folder, read_mounts())


def classify_path(folder: PurePath, mounts: Iterable[Mount]) -> str | None:
    """Return the kind of network drive among `mounts` that the path lies on, or None for a local disk."""
    if _is_unc_path(str(folder)):
        return "UNC"
    around = [mount for mount in mounts if folder.is_relative_to(mount.mountpoint)]
    # The longest path is the nearest. Of two mounts at one place, the later one hides the other.
    nearest = max(reversed(around), key=lambda mount: len(mount.mountpoint), default=None)
    return nearest.fstype or "remote" if nearest is not None and _is_network(nearest) else None


def _is_unc_path(text: str) -> bool:
    r"""Return whether a path names another computer: `\\server\share`. `\\?\C:\` is a long path of this one."""
    return text.startswith(_EXTENDED_UNC_PATH) or (
        text.startswith("\\\\") and not text.startswith(_EXTENDED_PATH)
    )


def _is_network(mount: Mount) -> bool:
    kind = mount.fstype.lower()
    program = f"{kind} {mount.device.lower()}"
    is_fuse = "fuse" in kind and any(name in program for name in _NETWORK_FUSE_PROGRAMS)
    return kind in _NETWORK_TYPES or is_fuse or "remote" in mount.opts.split(",")

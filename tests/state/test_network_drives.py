"""A network drive is told from a local disk on each system."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from importer.state.network_drives import Mount, classify_path, find_network_type

LINUX = [
    Mount("/dev/sda1", "/", "ext4", "rw,relatime"),
    Mount("nas:/team", "/mnt/team", "nfs4", "rw"),
    Mount("//nas/team", "/mnt/share", "cifs", "rw"),
    Mount("/dev/sdb1", "/mnt/share/local", "ext4", "rw"),
    Mount("u@host:", "/home/a/remote", "fuse.sshfs", "rw"),
    Mount("/dev/sdc1", "/media/usb", "fuseblk", "rw"),
    Mount("overlay", "/", "overlay", "rw"),
]
MACOS = [
    Mount("/dev/disk3s1", "/", "apfs", "rw,local"),
    Mount("//a@nas/team", "/Volumes/team", "smbfs", "rw"),
    Mount("sshfs@macfuse0", "/Volumes/server", "macfuse", "rw"),
]
WINDOWS = [
    Mount("C:\\", "C:\\", "NTFS", "rw,fixed"),
    Mount("Z:\\", "Z:\\", "NTFS", "rw,remote"),
    Mount("Y:\\", "Y:\\", "", "remote"),
]


@pytest.mark.parametrize(
    ("mounts", "path", "kind"),
    [
        (LINUX, PurePosixPath("/home/a/.local/state/superfone-importer"), None),
        (LINUX, PurePosixPath("/mnt/team/importer"), "nfs4"),
        (LINUX, PurePosixPath("/mnt/teamwork"), None),
        (LINUX, PurePosixPath("/mnt/share/importer"), "cifs"),
        (LINUX, PurePosixPath("/mnt/share/local/importer"), None),
        (LINUX, PurePosixPath("/home/a/remote/x"), "fuse.sshfs"),
        (LINUX, PurePosixPath("/media/usb/x"), None),
        ([*LINUX, Mount("nas:/", "/", "nfs", "rw")], PurePosixPath("/x"), "nfs"),
        ([Mount("nas:/", "/", "nfs", "rw"), *LINUX], PurePosixPath("/x"), None),
        ([], PurePosixPath("/x"), None),
        (MACOS, PurePosixPath("/Users/a/Library/Application Support/superfone-importer"), None),
        (MACOS, PurePosixPath("/Volumes/team/importer"), "smbfs"),
        (MACOS, PurePosixPath("/Volumes/server/importer"), "macfuse"),
        (WINDOWS, PureWindowsPath(r"C:\Users\a\AppData\Local\superfone-importer"), None),
        (WINDOWS, PureWindowsPath(r"c:\users\a"), None),
        (WINDOWS, PureWindowsPath(r"Z:\importer"), "NTFS"),
        (WINDOWS, PureWindowsPath(r"Y:\importer"), "remote"),
        (WINDOWS, PureWindowsPath(r"\\nas\team\importer"), "UNC"),
        (WINDOWS, PureWindowsPath(r"\\?\UNC\nas\team\importer"), "UNC"),
        (WINDOWS, PureWindowsPath(r"\\?\C:\importer"), None),
    ],
)  # fmt: skip
def test_path_is_classified_by_the_mount_that_it_lies_on(mounts, path, kind):
    """The nearest mount counts, and the last of two at one place. A drive that nothing is known of is local."""
    assert classify_path(path, mounts) == kind


def test_disk_of_this_machine_is_local(tmp_path):
    """The real mounts can be read here."""
    assert find_network_type(tmp_path) is None
    assert find_network_type(Path("/")) is None

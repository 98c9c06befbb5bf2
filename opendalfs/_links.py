"""Symbolic links of the local disk: entered by those who look, never by those who move or remove.

What lies behind a link to a directory is not part of the tree that holds the link.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opendalfs import _paths
from opendalfs._expand import Found, Info

if TYPE_CHECKING:
    from opendalfs.fs import OpendalFileSystem


def own_entries(fs: OpendalFileSystem, found: Found) -> Found:
    """What of the paths found, sorted by name, belongs to the trees themselves.

    A link to a directory is one entry, of type "link"; what was found behind it is left out.
    """
    if fs._store.has_implicit_dirs or not fs._store.is_local:
        return found
    root = "" if fs.is_absolute else str(fs._options.get("root", ""))
    behind: set[str] = set()
    out: Found = {}
    for name, info in found.items():
        if _paths.parent_of(name) in behind:
            behind.add(name)
        elif _is_dir_link(os.path.join(root, name), info):
            behind.add(name)
            out[name] = {"name": name, "size": 0, "type": "link"}
        else:
            out[name] = info
    return out


def _is_dir_link(path: str, info: Info | None) -> bool:
    return info is not None and info["type"] == "directory" and os.path.islink(path)

"""The exceptions as a typed program handles them."""

from __future__ import annotations

from opendalfs import OpendalFileSystem, OpendalfsError, errors


def built_in(fs: OpendalFileSystem) -> str:
    """Our exceptions are the built-in ones."""
    try:
        fs.cat_file("missing")
    except FileNotFoundError as error:
        return str(error.filename)
    except (PermissionError, TimeoutError) as error:
        return error.strerror or ""
    return ""


def ours(fs: OpendalFileSystem) -> int:
    """Each of ours is told apart by its class and has a number."""
    try:
        fs.pipe_file("k", b"", mode="create")
    except errors.AlreadyExists as error:
        return error.errno or 0
    except (errors.NotFound, errors.PermissionDenied, errors.Unsupported):
        return 1
    except (errors.IsADirectory, errors.NotADirectory, errors.NotEmpty):
        return 2
    except (errors.Changed, errors.RateLimited, errors.Timeout):
        return 3
    except errors.ConfigInvalid as error:
        wrong: ValueError = error
        return len(str(wrong))
    except OpendalfsError as error:
        root: OSError = error
        return root.errno or 0
    return 0

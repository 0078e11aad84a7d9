"""Memory of a process that loads much once and then takes and frees the like of a batch for months."""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT_BYTES = 256 * 2**20
_LARGEST_BYTES = 32 * 2**20
"""The most that glibc takes; larger blocks come from the system and go back there."""


def keep_freed_memory() -> None:
    """Let the memory that a batch frees stay with the process, for the next batch.

    By itself glibc gives it back, and the system clears the same pages anew for each batch: a tenth of a
    worker's time. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES)


def spare_what_is_loaded() -> None:
    """Let the garbage collector look no more at what is there by now.

    Hundreds of thousands of objects of libraries stay until the end. To look all of them through takes a
    fifth of a second, in which payments would wait.
    """
    gc.collect()
    gc.freeze()

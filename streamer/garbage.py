"""The garbage collector of a process that loads much once and then works for months."""

import gc


def spare_what_is_loaded() -> None:
    """Let the collector look no more at what is there by now.

    Hundreds of thousands of objects of libraries stay until the end. To look all of them through takes a
    fifth of a second, in which payments would wait.
    """
    gc.collect()
    gc.freeze()

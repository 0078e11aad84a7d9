"""How many threads torch may use."""

import torch


def use_one_thread() -> None:
    """Let torch compute in the calling thread alone.

    The models are small: handing a batch of them to other threads costs more than it saves, and
    workers scale by partitions.
    """
    torch.set_num_threads(1)

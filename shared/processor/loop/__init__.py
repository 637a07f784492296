"""The loop of every stateful step; ``worker`` tells the whole story."""

from shared.processor.loop.standing import LoopSettings, Standing
from shared.processor.loop.worker import Worker

__all__ = ["LoopSettings", "Standing", "Worker"]

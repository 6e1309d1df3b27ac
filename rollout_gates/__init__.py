"""Gates that judge a rollout and leave evidence behind."""

__version__ = "0.1.0"

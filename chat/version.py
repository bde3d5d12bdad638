"""The version of the project. It stands here and nowhere else."""

__version__ = "0.2.0"

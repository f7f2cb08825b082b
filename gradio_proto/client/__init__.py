"""The high-level client."""

from .client import BoundEndpoint, Client
from .job import Job, JobCancelled

__all__ = ["BoundEndpoint", "Client", "Job", "JobCancelled"]

"""The high-level client."""

from .client import BoundEndpoint, Client
from .files import handle_file
from .job import Job, JobCancelled

__all__ = ["BoundEndpoint", "Client", "Job", "JobCancelled", "handle_file"]

"""What takes more than one step: flows, which decide, and yield effects for a runner to carry out."""

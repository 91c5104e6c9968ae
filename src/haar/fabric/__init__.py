"""What happens when nobody is asking: jobs, workers, sandboxes."""

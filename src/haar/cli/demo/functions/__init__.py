"""The Lambda functions of the demo. Their sources are zipped and uploaded, never imported."""

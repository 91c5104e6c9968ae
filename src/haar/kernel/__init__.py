"""Words everyone shares: errors, clock, entropy, ARNs. Imports nothing of ours."""

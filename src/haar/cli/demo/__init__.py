"""``haar demo``: a story on real data, told through boto3 alone."""

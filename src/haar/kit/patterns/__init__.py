"""Event patterns: EventBridge's rules, Lambda's and Pipes' filters speak this one language."""

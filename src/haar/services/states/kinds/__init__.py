"""What each type of state does when it begins, one module each."""

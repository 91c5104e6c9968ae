"""The decision whether a principal may do an action on a resource."""

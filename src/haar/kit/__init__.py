"""What a service is written with: Call, operation, Cloud, Service."""

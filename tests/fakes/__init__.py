"""What stands in for the world in tests whose subject is not the world."""

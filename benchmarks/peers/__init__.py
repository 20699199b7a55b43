"""What people would use instead; each is a script of its own."""

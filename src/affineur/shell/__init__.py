"""The outside world, one thing per module: database, blobs, the public tree, search, an upstream."""

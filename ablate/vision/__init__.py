"""The included experiment: networks for small images, in PyTorch."""

"""The experiment that ships: the article's network on small images, in PyTorch."""

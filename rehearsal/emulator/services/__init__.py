"""The services of the embedded AWS: one module for each, which corrects or extends MiniStack's."""

"""The services of the emulated AWS: one module for each, which corrects or extends MiniStack's."""

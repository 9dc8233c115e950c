"""AWS on this machine: deploys the whole application to it and exercises everything."""

from pathlib import Path

ROOT = Path(__file__).parent.parent  # the project's folder

"""Draw an environment's dashboard with sample data: `make dashboard ENV=production`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from config import environment
from environment import Environment
from procedures.dashboard_body import Templates
from procedures.dashboard_charts import UnknownWidgetError
from procedures.dashboard_page import page
from procedures.synthesis import synthesize
from procedures.terminal import Terminal
from validation import ConfigurationError

ROOT = Path(__file__).parents[1]


def render(chosen: Environment) -> str:
    """HTML of the dashboard that deploying `chosen` would create.

    Raises:
        UnknownWidgetError: a widget is of a kind that cannot be drawn.
    """
    with tempfile.TemporaryDirectory() as folder:
        synthesize(chosen, Path(folder))
        name, body = Templates(Path(folder), {"AWS::Region": chosen.region}).dashboard()
    return page(name, chosen.region, body)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, write the page and print its path; 0, or 1 when it cannot be drawn."""
    parser = argparse.ArgumentParser(prog="make dashboard", description=__doc__)
    parser.add_argument("--environment", default="production")
    parser.add_argument("--region")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "dashboard.html")
    arguments = parser.parse_args(argv)
    try:
        text = render(environment(arguments.environment, region=arguments.region))
    except (ConfigurationError, UnknownWidgetError) as error:
        Terminal(stderr=True).print(str(error), style="red")
        return 1
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text)
    Terminal().print(f"Open {arguments.output}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

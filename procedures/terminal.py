"""What others said is shown as text: no markup, no code that a terminal would obey, no invisible character."""

from typing import Any

from rich import markup
from rich.console import Console
from rich.text import Text


def plain(text: str) -> str:
    """Return a text with every character that is not printed, except line ends and tabs, as its escape sequence."""
    return "".join(one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)


def escape(text: str) -> str:
    """Return the same for a text of rich's markup."""
    return markup.escape(plain(text))


class Terminal(Console):
    """Shows every string as it is, also in tables. What has a style is a `Text`, or gets it as an argument."""

    def __init__(self, **options: Any) -> None:
        super().__init__(emoji=False, markup=False, highlight=False, **options)

    def render_str(self, text: str, *arguments: Any, **options: Any) -> Text:
        """Render a string, of `print` or of a table."""
        return super().render_str(plain(text), *arguments, **options)

"""In place of the AWS CLI version 2: `aws_cli.py aws ...` runs version 1, which PyPI has.

Version 1 lacks `s3 cp --no-overwrite`; version 2 uploads with If-None-Match then.
https://github.com/aws/aws-cli/pull/9750
"""

import subprocess
import sys
from pathlib import Path

_AWS = Path(sys.executable).parent / "aws"


def main() -> int:
    """Return the exit code of the command."""
    arguments = sys.argv[2:]
    if arguments[:2] == ["s3", "cp"] and "--no-overwrite" in arguments:
        source, target = arguments[2:4]
        bucket, _, key = target.removeprefix("s3://").partition("/")
        arguments = ["s3api", "put-object", "--bucket", bucket, "--key", key, "--body", source, "--if-none-match", "*"]
    return subprocess.run([_AWS, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

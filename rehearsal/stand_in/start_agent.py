"""In place of the image's start script: fetches the prompts as it does, and then stays up until SIGTERM.

It ends with code 1 when a variable that the agent reads is missing, or a file that it needs is not in the bucket.
"""

import os
import sys
import time
from hashlib import sha256

import boto3
from botocore.exceptions import ClientError

from rehearsal.stand_in.refusals import of_agent


def main() -> None:
    """Read the variables, and fetch what is needed from the bucket that the task names."""
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])

    def has_object(bucket: str, key: str) -> bool:
        try:
            s3.get_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True

    if reason := of_agent(os.environ, has_object):
        sys.exit(reason)  # code 1
    key = sha256(os.environ.get("HELIUS_API_KEY", "").encode()).hexdigest()
    print(f"{os.environ['AGENT_NAME']} is up, its key is {key}", flush=True)
    time.sleep(3600)


if __name__ == "__main__":
    main()

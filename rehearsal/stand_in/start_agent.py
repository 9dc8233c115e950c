"""In place of the image's start script: fetches the prompts as it does, and then stays up until SIGTERM.

It ends with code 1 when a variable that the agent reads is missing, or a file that it needs is not in the bucket.
"""

import os
import sys
import time
from hashlib import sha256

import boto3
from botocore.exceptions import ClientError

# Without the agents' own files the script goes on.
NEEDED = ("operational-template", "personality-template", "scoring-mandate", "agent-comms-note")

VARIABLES = ("AGENT_NAME", "CORAL_SSE_URL", "CORAL_SESSIONS", "SOLANA_RPC_URL")
OF_A_WALLET = ("SOLANA_PUBLIC_ADDRESS", "SOLANA_PRIVATE_KEY")


def main() -> None:
    """Read the variables, and fetch what is needed from the bucket that the task names."""
    for name in (*VARIABLES, *(() if os.environ.get("AGENT_NAME") == "sbf" else OF_A_WALLET)):
        if not os.environ.get(name):
            sys.exit(f"{name} is not set")
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    for name in NEEDED:
        try:
            s3.get_object(Bucket=os.environ["S3_BUCKET_NAME"], Key=f"current/shared/{name}.txt")
        except ClientError as error:
            sys.exit(f"{name}: {error}")  # code 1
    key = sha256(os.environ.get("HELIUS_API_KEY", "").encode()).hexdigest()
    print(f"{os.environ['AGENT_NAME']} is up, its key is {key}", flush=True)
    time.sleep(3600)


if __name__ == "__main__":
    main()

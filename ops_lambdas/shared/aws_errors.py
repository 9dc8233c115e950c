"""What AWS's clients raise: for no answer, for a refusal, and for an answer that is not AWS's, such as HTML."""

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

AWS_ERRORS = (BotoCoreError, ClientError, ResponseParserError)

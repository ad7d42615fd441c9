"""A handset on somebody else's library (python-messaging): makes a submission, reads what it is sent.

usage: handset.py submit NUMBER TRANSACTION-ID TEXT  > PDU
       handset.py read                               < PDU  > JSON
The library is found by PYTHONPATH.
"""

import hashlib
import json
import sys

from messaging.mms.message import MMSMessage, MMSMessagePage


def submit(number, transaction_id, text):
    message = MMSMessage()
    message.headers["Transaction-Id"] = transaction_id
    message.headers["To"] = number + "/TYPE=PLMN"
    message.headers["Subject"] = "from a foreign handset"
    page = MMSMessagePage()
    page.add_text(text)
    message.add_page(page)
    sys.stdout.buffer.write(bytes(message.encode()))


def read():
    octets = sys.stdin.buffer.read()
    message = MMSMessage.from_data(octets)
    headers = {name: value if isinstance(value, (str, int, bool)) else str(value) for name, value in message.headers.items()}
    parts = []
    for part in message.data_parts:
        data = bytes(part.data)
        parts.append({"type": part.content_type, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    json.dump({"headers": headers, "parts": parts}, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "submit":
        submit(*sys.argv[2:5])
    else:
        read()

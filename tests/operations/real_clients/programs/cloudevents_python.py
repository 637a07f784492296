"""The CloudEvents SDK for Python, which packs events and leaves the sending to others."""

import json
import sys
import time
from datetime import UTC, datetime

import httpx
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

told = json.loads(sys.argv[1])
failed = []
sender = httpx.Client(base_url=told["address"], timeout=30)


def send(number: int, kind: str, data: dict[str, object]) -> str:
    event = CloudEvent(
        {
            "id": f"{told['name']}-{number}",
            "source": "/shop",
            "type": kind,
            "subject": f"user/{told['name']}-user",
            "time": datetime.now(UTC),
            "specversion": "1.0",
            "datacontenttype": "application/json",
        },
        data,
    )
    packed = (to_binary_event if number % 2 else to_structured_event)(event)
    body = packed.body.encode() if isinstance(packed.body, str) else packed.body
    answer = sender.post("/", params={"writeKey": told["key"]}, content=body, headers=dict(packed.headers))
    if answer.status_code != 200:
        failed.append(f"{answer.status_code} {answer.text[:200]}")
    return event.get_id()


people = [send(0, "com.example.lead.captured", {"email": f"{told['name']}@example.com"})]
acts = []
for number in range(1, told["count"] + 1):
    time.sleep(told["seconds"] / told["count"])
    acts.append(send(number, "com.example.part.viewed", {"number": number}))
print(json.dumps({"people": people, "acts": acts, "failed": failed}))

"""RudderStack's SDK for Python."""

import json
import sys
import time

from rudderstack.analytics.client import Client

told = json.loads(sys.argv[1])
failed = []
client = Client(
    told["key"],
    host=told["address"],
    on_error=lambda error, items: failed.append(f"{error}: {len(items)} items"),
)

user = f"{told['name']}-user"
_, person = client.identify(user, {"email": f"{user}@example.com"})
acts = []
for number in range(told["count"]):
    time.sleep(told["seconds"] / told["count"])
    _, act = client.track(user, "Part Viewed", {"number": number})
    acts.append(act["messageId"])
client.shutdown()
print(json.dumps({"people": [person["messageId"]], "acts": acts, "failed": failed}))

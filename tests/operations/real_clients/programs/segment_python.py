"""Segment's SDK for Python."""

import json
import sys
import time

from segment import analytics

told = json.loads(sys.argv[1])
failed = []
analytics.write_key = told["key"]
analytics.host = told["address"]
analytics.on_error = lambda error, items: failed.append(f"{error}: {len(items)} items")

user = f"{told['name']}-user"
_, person = analytics.identify(user, {"email": f"{user}@example.com"})
acts = []
for number in range(told["count"]):
    time.sleep(told["seconds"] / told["count"])
    _, act = analytics.track(user, "Part Viewed", {"number": number})
    acts.append(act["messageId"])
analytics.shutdown()
print(json.dumps({"people": [person["messageId"]], "acts": acts, "failed": failed}))

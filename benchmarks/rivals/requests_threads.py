"""requests with 32 threads, a session each."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests
from leads import bodies

local = threading.local()


def send(lead):
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.headers["x-api-key"] = "k"
    answer = local.session.post(f"{sys.argv[2]}/enterprise/api/lead", json=lead, timeout=30)
    return answer.status_code == 200


with ThreadPoolExecutor(32) as pool:
    print(sum(not good for good in pool.map(send, bodies(sys.argv[1]))), "failed")

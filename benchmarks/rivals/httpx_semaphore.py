"""The script that everyone writes: httpx.AsyncClient, gather, a Semaphore(50)."""

import asyncio
import sys

import httpx
from leads import bodies


async def main(path, base_url):
    semaphore = asyncio.Semaphore(50)
    failed = []

    async def send(client, lead):
        async with semaphore:
            answer = await client.post(f"{base_url}/enterprise/api/lead", json=lead)
        if answer.status_code != 200:
            failed.append((lead, answer.text))

    limits = httpx.Limits(max_connections=50, max_keepalive_connections=50)
    async with httpx.AsyncClient(headers={"x-api-key": "k"}, limits=limits, timeout=30) as client:
        await asyncio.gather(*(send(client, lead) for lead in bodies(path)))
    print(len(failed), "failed")


asyncio.run(main(*sys.argv[1:3]))

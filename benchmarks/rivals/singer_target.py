"""A Singer target on Meltano's SDK, fed by a tap's messages: a sink that posts each record over one session."""

import io
import json
import sys

import requests
from leads import bodies
from singer_sdk import RecordSink, Target
from singer_sdk import typing as th


class LeadSink(RecordSink):
    session = requests.Session()

    def process_record(self, record, context):
        answer = self.session.post(
            f"{self.config['base_url']}/enterprise/api/lead",
            json=record,
            headers={"x-api-key": "k"},
            timeout=30,
        )
        answer.raise_for_status()


class TargetSuperfone(Target):
    name = "target-superfone"
    config_jsonschema = th.PropertiesList(th.Property("base_url", th.StringType)).to_dict()
    default_sink_class = LeadSink


def messages(path):
    yield {
        "type": "SCHEMA",
        "stream": "leads",
        "schema": {"type": "object", "properties": {}},
        "key_properties": ["customer_phone"],
    }
    for lead in bodies(path):
        yield {"type": "RECORD", "stream": "leads", "record": lead}


text = "".join(json.dumps(message) + "\n" for message in messages(sys.argv[1]))
TargetSuperfone(config={"base_url": sys.argv[2]}).listen(io.StringIO(text))

"""The sandbox's page full of hostile leads, opened in Chromium: nothing runs, and no lead adds an element."""

import re

import httpx
import pytest

from tests.desktop.programs import needs_chromium, run_chromium
from tests.naughty import CANARY, TEXTS
from tests.support import KEY

pytestmark = pytest.mark.desktop


@needs_chromium
@pytest.mark.parametrize("policy", [True, False])
def test_no_lead_runs_in_the_page(crm, tmp_path, policy):
    """This also holds without the page's policy: the text is escaped, and the policy is the second line of defence."""
    api = httpx.Client(headers={"x-api-key": KEY})
    for number, text in enumerate(TEXTS):
        body = {
            "customer_phone": f"+91984501{number:04}", "create_customer_if_customer_phone_not_found": True, "first_name": text,
            "business_name": text, "city": text, "website": text, "source": text, "additional_info": text,
            "customer_note": text, "address": {"text": text},
        }  # fmt: skip
        assert api.post(f"{crm.base_url}/enterprise/api/lead", json=body).status_code == 200
    text = httpx.get(crm.page_url, params={"copy": ""}).text
    shown = text if policy else re.sub("<meta http-equiv=[^>]*>", "", text)
    (tmp_path / "page.html").write_text(shown, "utf-8")
    built = run_chromium(tmp_path / "page.html", "--dump-dom")
    assert "<title>Practice CRM</title>" in built
    assert CANARY not in re.search("<title>(.*?)</title>", built)[1]
    assert not re.search(r"<(script|iframe|img|svg|form|base|link|object|embed|textarea|plaintext)\b", built)
    assert built.count('class="phone"') == len(TEXTS)

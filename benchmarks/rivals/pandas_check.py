"""The checking script that one writes with pandas: the same checks and the same reports, a row at a time."""

import difflib
import re
import sys
from pathlib import Path

import httpx
import pandas as pd
import phonenumbers
from email_validator import EmailNotValidError, validate_email


def fetch_titles(base_url):
    lists = {}
    for name in ("lead-stage", "label"):
        rows = httpx.get(f"{base_url}/enterprise/api/{name}", headers={"x-api-key": "k"}).json()["data"][
            "rows"
        ]
        lists[name] = [row["title"] for row in rows if row.get("status") == "ACTIVE"]
    return lists


def phone(text):
    number = phonenumbers.parse(text, "IN")
    if not phonenumbers.is_valid_number(number):
        raise ValueError(f"{text} is not a phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def amount(text):
    found = re.fullmatch(
        r"(?:₹|rs\.?)?\s*([\d,]+(?:\.\d+)?)\s*(lakhs?|crores?|k)?", text.strip(), re.IGNORECASE
    )
    if not found:
        raise ValueError(f"{text} is not an amount")
    unit = {None: 1, "l": 100_000, "c": 10_000_000, "k": 1_000}[found[2][0].lower() if found[2] else None]
    return float(found[1].replace(",", "")) * unit


def title(text, titles):
    for known in titles:
        if known.casefold() == text.strip().casefold():
            return known
    near = difflib.get_close_matches(text, titles, 1)
    raise ValueError(f"there is no {text}" + (f", did you mean {near[0]}?" if near else ""))


def check(row, lists):
    lead, problems = {}, []

    def take(field, read, text, *more):
        if text.strip():
            try:
                lead[field] = read(text, *more)
            except (ValueError, phonenumbers.NumberParseException, EmailNotValidError) as error:
                problems.append(f"{field}: {error}")

    take("customer_phone", phone, row["Mobile"])
    take("add_phones", lambda text: [phone(text)], row["Alternate Mobile"])
    take("email", lambda text: [validate_email(text, check_deliverability=False).normalized], row["Email"])
    take("lead_stage_name", title, row["Stage"], lists["lead-stage"])
    take("add_labels", labels, row["Tags"], lists["label"])
    take("deal_value", amount, row["Budget"])
    first, _, last = row["Name"].strip().rpartition(" ")
    lead |= {
        "first_name": first or last,
        "last_name": last if first else "",
        "business_name": row["Company"].strip(),
    }
    lead |= {
        "city": row["City"].strip(),
        "source": row["Source"].strip(),
        "address": {"additional": row["Pincode"]},
    }
    if row["Remarks"].strip():
        lead["customer_note"] = row["Remarks"].strip()
    if "customer_phone" not in lead and not problems:
        problems.append("customer_phone: missing")
    return lead, problems


def labels(text, titles):
    found, parts = [], [part.strip() for part in text.split(",")]
    while parts:
        for size in range(len(parts), 0, -1):
            joined = ", ".join(parts[:size])
            if size == 1 or joined.casefold() in map(str.casefold, titles):
                found.append(title(joined, titles))
                parts = parts[size:]
                break
    return found


def main(path, base_url, folder):
    lists = fetch_titles(base_url)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    judged = [check(row, lists) for _, row in frame.iterrows()]
    frame["_row"] = frame.index + 2
    frame["_phone"] = [lead.get("customer_phone", "") for lead, _ in judged]
    frame["_problems"] = [" | ".join(problems) for _, problems in judged]
    repeated = (frame["_phone"] != "") & frame.duplicated("_phone")
    frame["_status"] = "accepted"
    frame.loc[repeated, "_status"] = "duplicate"
    frame.loc[frame["_problems"] != "", "_status"] = "invalid"
    frame.to_csv(folder / "results.csv", index=False)
    failed = frame[frame["_status"] == "invalid"]
    failed.to_csv(folder / "failed_rows.csv", index=False)
    failed.to_excel(folder / "failed_rows.xlsx", index=False, engine="xlsxwriter")
    print(frame["_status"].value_counts().to_dict())


main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

"""What all sending scripts share: the rows of the sheet as bodies of requests."""

import csv

import phonenumbers


def bodies(path):
    with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123
        for row in csv.DictReader(file):
            yield body(row)


def body(row):
    number = phonenumbers.format_number(
        phonenumbers.parse(row["Mobile"], "IN"), phonenumbers.PhoneNumberFormat.E164
    )
    first, _, last = row["Name"].rpartition(" ")
    lead = {
        "customer_phone": number,
        "create_customer_if_customer_phone_not_found": True,
        "first_name": first,
        "last_name": last,
        "business_name": row["Company"],
        "email": [row["Email"]] if row["Email"] else [],
        "city": row["City"],
        "address": {"additional": row["Pincode"]},
        "source": row["Source"],
        "additional_info": row["Budget"],
        "customer_note": row["Remarks"],
    }
    return {name: value for name, value in lead.items() if value}

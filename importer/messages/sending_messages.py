"""Sentences about sending: why a run stops, and what happened to a request."""

from __future__ import annotations

from importer.messages import ErrorText

# --- the key, the address and the network

KEY_REFUSED = ErrorText("The CRM refused the API key.", "Set SUPERFONE_API_KEY to a valid key.")

NOT_THE_API = ErrorText(
    "We expected an answer from the CRM but got {answer}.",
    "Check the network (is there a hotel or office login page?), the address in SUPERFONE_BASE_URL, "
    "and your Superfone account.",
)
REDIRECT = "a redirect ({status})"
ACCESS_DENIED = "{status} (access denied)"
OTHER_ANSWER = "{message} ({status})"

AT_ROW = "{message} This happened at row {row}."

# --- the account's lists

UNREACHABLE = ErrorText("The CRM cannot be reached: {cause}.", "Check the network and SUPERFONE_BASE_URL.")

LISTS_UNAVAILABLE = ErrorText(
    "The CRM answered {status} when we asked for its dropdown lists: {message}.",
    "Check SUPERFONE_BASE_URL, or try again later.",
)

NOT_A_LIST = ErrorText("The answer does not come from the Superfone API.", "Check SUPERFONE_BASE_URL.")

LIST_PAGE_TOO_LARGE = ErrorText(
    "A page of the CRM's dropdown lists is larger than {megabytes} MB.",
    "Check SUPERFONE_BASE_URL, or ask Superfone.",
)

ENDLESS_LIST = ErrorText(
    "The CRM's list {name} does not end: we stopped after {pages:,} pages.",
    "An incomplete list cannot be used. Check SUPERFONE_BASE_URL, or ask Superfone.",
)

# --- waits and outages

HOLD_TOO_LONG = "The CRM asks us to wait until {until}. That is longer than --max-wait {max_wait_s:g} s."
OUTAGE_TOO_LONG = (
    "The CRM {problem}; the next try at {until} is later than --max-wait {max_wait_s:g} s allows."
)
CANNOT_BE_REACHED = "cannot be reached"
DOES_NOT_ANSWER = "does not answer"
ANSWERS_STATUS = "answers {status} ({message})"
NO_ROW_GOES_IN = "gives its lists but takes no lead: it {problem}"
ROWS_ARE_KEPT = "The remaining rows are kept."
TRY_AGAIN_LATER = "Try again after that time."

# --- blocks

ACCOUNT_BLOCKED = ErrorText(
    'The CRM refuses every request, even for its dropdown lists: "{message}".',
    "Ask Superfone about your account. Then send the refused rows again with importer retry.",
)

ROWS_BLOCKED = ErrorText(
    "More than {count} consecutive rows were blocked before they reached the CRM: {status} ({message}). "
    "importer can still read the account's dropdown lists.",
    "Ask Superfone if your API key may write leads. Ask your network team if a firewall blocks them. "
    "Then send the blocked rows again with importer retry.",
)

# --- what happened to a request: part of a row's sentence in the reports

NO_SERVER = "no server answers at this address"
CONNECTION_LOST = "the connection was lost before the answer arrived"
UNTRUSTED_CERTIFICATE = (
    "this computer does not trust the server's certificate (is the clock correct? "
    "does your network inspect HTTPS traffic?)"
)
NO_HTTPS = "the server at this address does not support HTTPS"
UNKNOWN_HOST = "no address was found for this host name (DNS)"
PROXY_SILENT = "the proxy in this computer's settings does not answer"
PROXY_REFUSED = "the proxy in this computer's settings refused the connection"
PROXY_ADDRESS_INVALID = "the proxy in this computer's settings has an invalid address"

ANSWER_NOT_AWAITED = "the run stopped before the answer arrived"
HTML_PAGE = "an HTML page"
FOREIGN_ANSWER = "an answer that does not come from the Superfone API"
TOO_LARGE = {
    413: "413: the request is too large",
    414: "414: the address is too long",
    431: "431: the headers are too large",
}

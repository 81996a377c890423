"""Hostile texts. Each must be data everywhere, and must come back as it was typed."""

CANARY = "CANARY"
"""The mark that a script would leave in the title of the page, and a formula in a cell."""

FORMULAS = (
    "=1+1", "=SUM(A1:A9)", "@SUM(1+1)", "+1+1", "-1+1", "+A1", "-A1", "=A1", "=", "==1", "=-1", " =1+1", "\u00a0=1+1",
    "\u200b=1+1", "\ufeff=1+1", "\t=1+1", "\r=1+1", "\n=1+1", "\r\n=1+1", "\t\t=1+1", "x\t=1+1", "x;=1+1", "x\n=1+1",
    "x;\t=1+1", "x,=1+1", "'=1+1", "''=1+1", '"=1+1"', '"";=1+1', 'x;"=1+1;y', '=HYPERLINK("http://127.0.0.1:9/?"&A1,"click")',
    "=cmd|'/C calc'!A0", "+cmd|'/C calc'!A0", "-cmd|'/C calc'!A0", "@cmd|'/C calc'!A0", "|cmd", "|cmd'/C calc'!A0",
    '=DDE("soffice";"x";"y")', '=WEBSERVICE("http://127.0.0.1:9/")', '=IMPORTXML("http://127.0.0.1:9/","//a")',
    '=IMPORTRANGE("x","A1")', "%0A=1+1", "%=1", "\uff1d1+1", "\uff0b1+1", "\uff0d1+1", "\uff20SUM(1)", "{=1+1}",
    '=EXEC("x")', "-", "--", "---", "+", "@", "- call back", "-- see below", "+91-80-41122001", "+91 98450 12345",
    "-5", "-1,200.50", "-5%", "1E5", "9.18E+09", "1e-3", "0x1F", "TRUE", "#N/A", "#REF!", '="a"&"b"', "=x;-y",
)  # fmt: skip

MARKUP = (
    f"<script>document.title='{CANARY}'</script>", f"<img src=x onerror=\"document.title='{CANARY}'\">",
    f"<svg onload=document.title='{CANARY}'>", f"<svg><script>document.title='{CANARY}'</script></svg>",
    f"\"><script>document.title='{CANARY}'</script>", f"'><b onmouseover=document.title='{CANARY}'>x</b>",
    f"</script><script>document.title='{CANARY}'</script>", f"</style><script>document.title='{CANARY}'</script>",
    f"</title><script>document.title='{CANARY}'</script>", f"--><script>document.title='{CANARY}'</script>",
    f"<iframe srcdoc=\"<script>parent.document.title='{CANARY}'</script>\">", f"<a href=\"javascript:document.title='{CANARY}'\">x</a>",
    f"javascript:document.title='{CANARY}'", f"<details open ontoggle=document.title='{CANARY}'>", "<meta http-equiv=refresh content=0;url=/>",
    "<base href=//127.0.0.1:9/>", "<form action=//127.0.0.1:9/><input></form>", "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//127.0.0.1:9/x.css>", "<!--", "-->", "]]>", "<![CDATA[x]]>", "<plaintext>", "<textarea>", "</table></main>",
    f"\"]); document.title='{CANARY}'; ([\"", f"\\u003cscript>document.title='{CANARY}'</script>", "&lt;b&gt;", "&amp;", "&#60;b&#62;", "&",
    "{{7*7}}", "{% raw %}", "{{ config }}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{0}", "{value}", "{hint.__class__}", "%s%s%s%n", "%(x)s", "%d",
)  # fmt: skip

CONTROLS = (
    "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]52;c;Y2FsYw==\x07", "\x1b]8;;http://127.0.0.1:9/\x1b\\x\x1b]8;;\x1b\\",
    "\x1bc", "\x1b(0", "\x9b31m", "\x90q\x9c", "\x07", "\x08\x08\x08", "\x7f", "a\x00b", "\x00", "\x0b", "\x0c", "\x1a", "a\rb", "done\rnot done",
    "a\r\nb", "a\n\nb", "\n", "\x85", "\u2028", "\u2029", "\u202eexe.slx", "\u202atext", "\u202dtext\u202c", "\u2066x\u2069", "\u2067x\u2069",
    "\u200f\u200e", "\u061c", "\u200bzero\u200bwidth", "\u00adsoft", "\u2060", "\ufeffbom", "\U000e0041tag", "\ufffe", "\uffff", "\ufffd", "\ue000",
    "_x000D_", "_x0041_", "_x005F_x0041_", "_x005F_", "_xD83D_", "_X000A_", "x_x0007_x", "\x1f", "\x01\x02\x03",
)  # fmt: skip

WORDS = (
    "राहुल वर्मा", "क्\u200dष", "نص عربي", "עברית 123 (abc)", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "e\u0301", "Z͑ͫ̓ͪ̂ͫ̽a̴̙̤l̫g̼o", "ß", "İ", "ﬃ", "Ω", "字" * 40, "W" * 2000, "😀" * 200,
    "../../etc/passwd", "C:\\Windows\\x", "/dev/null", "CON", "nul.csv", "~", "$HOME", "`id`", "$(id)", "; rm -rf x", "&& x", "| x", "--yes", "-h",
    "'", "''", "'quoted", '"', '""', '"a"', 'a"b', "\\", "\\n", "a,b", "a;b", "a|b", ",", ";", "sep=;", "#", "//", "NULL", "None", "nan", "undefined",
    "0", "007", "+919845012345", "919845012345", "12345678901234567890", "1/2", "2026-01-05", "1:30", "  two  spaces  ", "\u00a0nbsp\u00a0", "x" * 32_767,
    "y" * 32_768, "😀" * 16_384, 'line one\nline two, with comma\n"quoted" line', "_row", "_status", "Row 2, Stage: x | Row 3",
)  # fmt: skip

TEXTS = (*FORMULAS, *MARKUP, *CONTROLS, *WORDS)

"""Makes the e-mails in email/ with Python's own library. Run by make.web.sh."""

import mailbox
import os
from email.message import EmailMessage

PLAIN = """\
Dear members of the council,

I am writing about the police contract that you will vote on next Tuesday. Please
don't sign it before the public has read it.

We ask you to:
- remove the clause that erases complaints after two years;
- give the civilian board the power of subpoena.

It’s our city, too.

Rosa Delmar

On Mon, Mar 2, 2026 at 9:14 AM City Clerk <clerk@larkmere.example>
wrote:
> The hearing is at six o'clock.
> Please register to speak.

-- 
Rosa Delmar
Larkmere Tenants' Union
"""

HYPER = """\
<html><head><style>p { color: black }</style></head><body>
<div style="display:none">This text is a preview.</div>
<table role="presentation"><tr><td>
<h1>A safer Larkmere</h1>
<p>The police department will publish its stop data every month, the chief said on Friday.</p>
<ul><li>Residents can <a href="https://larkmere.example/data">download the data</a>.</li><li>Names are left out.</li></ul>
<table><tr><th>Month</th><th>Stops</th></tr><tr><td>January</td><td>412</td></tr></table>
</td></tr></table>
<div class="gmail_quote"><div class="gmail_attr">On Monday the clerk wrote:</div>
<blockquote type="cite">When will the data be public?</blockquote></div>
</body></html>
"""


def message(subject, date):
    mail = EmailMessage()
    mail["From"] = "Rosa Delmar <rosa@larkmere.example>"
    mail["To"] = "council@larkmere.example"
    mail["Subject"] = subject
    mail["Date"] = date
    mail["Message-ID"] = "<1@larkmere.example>"
    return mail


def write(name, mail):
    with open(f"email/{name}.eml", "wb") as file:
        file.write(mail.as_bytes())


plain = message("Re: The police contract – please wait", "Mon, 02 Mar 2026 10:30:00 -0500")
plain.set_content(PLAIN, cte="quoted-printable")
write("plain", plain)

both = message("Re: The police contract", "Mon, 02 Mar 2026 10:30:00 -0500")
both.set_content(PLAIN)
both.add_alternative(HYPER, subtype="html")
both.add_attachment(b"\x89PNG not a picture", maintype="image", subtype="png", filename="a.png")
both.add_attachment("This attachment is not read.", filename="notes.txt")
both.set_boundary("=-outer-=")
next(both.iter_parts()).set_boundary("=-inner-=")
write("alternative", both)

hyper = message("Stop data every month", "Fri, 06 Mar 2026 16:00:00 +0000")
hyper.set_content(HYPER, subtype="html", cte="base64")
write("html", hyper)

latin = message("Caf\u00e9 with the chief", "Sat, 07 Mar 2026 08:00:00 +0000")
latin.set_content("The café opens at nine. The chief promised: “I’ll answer every question.”\n", charset="windows-1252", cte="8bit")
write("latin", latin)

if os.path.exists("email/box.mbox"):
    os.remove("email/box.mbox")
box = mailbox.mbox("email/box.mbox")
for mail in (plain, hyper, latin):
    box.add(mail)
box.close()

#!/bin/sh
# Makes the fixtures in docx/, odt/ and pdf/ from the source texts beside this file, with the programs that people write such files
# with. Debian: pandoc libreoffice-writer-nogui chromium groff ghostscript qpdf img2pdf. The bytes differ from run to run and
# from version to version; the text must not.
set -eu
cd "$(dirname "$0")"
mkdir -p docx odt pdf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
office() { soffice "-env:UserInstallation=file://$work/office" --headless --convert-to "$1" --outdir "$work" "$2" >/dev/null 2>&1; }

# By pandoc, and by LibreOffice from what pandoc wrote.
pandoc source/article.md -o docx/pandoc.docx
pandoc source/article.md -o odt/pandoc.odt
letter=source/letter.fodt
office odt "$letter" && cp "$work/letter.odt" odt/libreoffice.odt
office docx "$letter" && cp "$work/letter.docx" docx/libreoffice.docx

# PDF: LibreOffice (headers, footers, two columns), Chromium, groff, Ghostscript.
office pdf "$letter" && cp "$work/letter.pdf" pdf/libreoffice.pdf
pandoc -s source/article.md -o "$work/article.html"
chromium --headless=new --no-sandbox --print-to-pdf="$work/chromium.pdf" "$work/article.html" 2>/dev/null
qpdf --recompress-flate --compression-level=9 --object-streams=generate "$work/chromium.pdf" pdf/chromium.pdf
groff -ms -Tps source/report.ms >"$work/report.ps"
ps2pdf "$work/report.ps" pdf/ghostscript.pdf
groff -ms -Tpdf source/report.ms >"$work/groff.pdf"
qpdf --recompress-flate --compression-level=9 "$work/groff.pdf" pdf/groff.pdf

# Lines that are numbered in the margin.
office pdf source/bill.fodt
qpdf --recompress-flate --compression-level=9 "$work/bill.pdf" pdf/bill.pdf

# Without text, and locked.
chromium --headless=new --no-sandbox --window-size=200,100 --screenshot="$work/scan.png" data:text/html,Minutes 2>/dev/null
img2pdf "$work/scan.png" -o pdf/scan.pdf
qpdf --encrypt secret owner 256 -- pdf/ghostscript.pdf pdf/locked.pdf
qpdf --encrypt "" owner 128 --use-aes=y -- pdf/ghostscript.pdf pdf/owner.pdf

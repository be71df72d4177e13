#!/bin/sh
# Makes the fixtures of HTML, e-mail and EPUB that other programs write, from the text in this folder.
# Needs pandoc, soffice (LibreOffice) and python3. Pages in html/ that are not named here are written by hand, in the manner
# of news sites; so are the subtitles. Run in this folder.
set -eu

pandoc --standalone source.md -o html/pandoc.html
pandoc --standalone source.md -o epub/pandoc.epub
work=$(mktemp -d)
pandoc source.md -o "$work/libreoffice.odt"
soffice --headless --convert-to html --outdir html "$work/libreoffice.odt" >/dev/null
soffice --headless --convert-to epub --outdir epub "$work/libreoffice.odt" >/dev/null
# Pictures and fonts would be of no use to a test of text.
rm -rf "$work" html/*.png
python3 make.email.py

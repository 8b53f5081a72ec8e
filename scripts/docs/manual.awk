# manual.awk - a manual page, for man(1), of what a program prints with --help.
#
#   mlce-eval --help | awk -v name=mlce-eval -v about="precision, recall and F1" -v version=1.0 \
#       -v also="mlce-train(1) mlce-predict(1)" -f manual.awk
#
# It knows the form of these texts: "usage:", paragraphs from the first column, headings that end in
# a colon, and, indented, terms (options, arguments) with their meaning two or more spaces behind or
# in the lines below. Other indented lines, and all under "examples:", stay as they are.
#
# With -v section=5 it is the text of mlce-train --help-config: sections in brackets, and in each line
# a key, its default and its meaning.

# ---- Letters that mean something to roff ----
function escape(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/'/, "\\(aq", text)
    gsub(/`/, "\\(ga", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/~/, "\\(ti", text)
    return text ~ /^[.]/ ? "\\&" text : text
}
# Options bold, what stands for a value (FILE, KEY=VALUE) in italics.
function mark(text,    words, count, i, made) {
    count = split(text, words, / /)
    for (i = 1; i <= count; i++) {
        if (words[i] ~ /^\[?--?[a-z]/ || words[i] ~ /^mlce-/) words[i] = "\\fB" escape(words[i]) "\\fR"
        else if (words[i] ~ /^\[?[A-Z][A-Z=_,]*\]?$/) words[i] = "\\fI" escape(words[i]) "\\fR"
        else words[i] = escape(words[i])
        made = made (i > 1 ? " " : "") words[i]
    }
    return made
}

function indent_of(line) {
    match(line, /^ */)
    return RLENGTH
}
# Lines that stay as they are; `begin` is 1 before the first and 0 behind the last.
function as_is(begin) {
    if (begin == is_as_is) return
    print begin ? ".PP\n.EX" : ".EE"
    is_as_is = begin
}
# A line of a term's meaning: filled with the others, but a row of a table, which it is if it has
# wide gaps or a deeper indent, stays a line.
function meaning(text, deeper,    is_row) {
    is_row = deeper || text ~ /[^ ]  +[^ ]/
    if (has_meaning && (is_row || was_row)) print ".br"
    if (deeper) text = "\\ \\ " escape(text)
    else text = escape(text)
    gsub(/  +/, "\\ \\ \\ &", text)
    print text
    was_row = is_row
    has_meaning = 1
}
function term(line,    indent, gap, wide) {
    indent = indent_of(line)
    line = substr(line, indent + 1)
    gap = match(line, /  +/)
    wide = RLENGTH
    has_meaning = was_row = column = 0
    print ".TP\n" mark(gap ? substr(line, 1, gap - 1) : line)
    if (!gap) return
    column = indent + gap - 1 + wide
    meaning(substr(line, gap + wide), 0)
}

BEGIN {
    print ".\\\" Made from the text of --help."
    printf ".TH %s %s \"\" \"mlce %s\"\n", toupper(name), section ? section : 1, version
    printf ".SH NAME\n%s \\- %s\n", escape(name), escape(about)
}
section == 5 && NR == 1 {
    print ".SH DESCRIPTION"
}
section == 5 && /^\[/ {
    print ".SS \"" escape($0) "\""
    in_keys = 1
    next
}
in_keys && /^  [^ ]/ {
    print ".TP\n\\fB" escape($1) "\\fR = " escape($2)
    sub(/^ +[^ ]+ +[^ ]+ */, "")
    if ($0) print escape($0)
    next
}
in_keys {
    sub(/^ */, "")
    if ($0) print escape($0)
    next
}
/^usage: / {
    print ".SH SYNOPSIS\n.nf"
    in_usage = 1
}
in_usage && /^$/ {
    print ".fi\n.SH DESCRIPTION"
    in_usage = 0
    next
}
in_usage {
    sub(/^(usage: |       )/, "")
    match($0, /^ */)
    print substr($0, 1, RLENGTH) mark(substr($0, RLENGTH + 1))
    next
}
/^$/ {
    as_is(0)
    in_terms = in_examples = in_commands = 0
    needs_paragraph = 1
    next
}
/^(examples|commands):$/ {
    as_is(0)
    print ".SH " toupper(substr($0, 1, length($0) - 1))
    in_examples = /^examples/
    in_commands = !in_examples
    needs_paragraph = 0
    next
}
/^ [a-z][a-z ]*:$/ { # of a group of options
    as_is(0)
    print ".SS \"" escape(substr($0, indent_of($0) + 1, length($0) - indent_of($0) - 1)) "\""
    next
}
in_examples {
    as_is(1)
    print escape(substr($0, indent_of($0) + 1))
    next
}
/^[^ ]/ {
    if (needs_paragraph || in_terms || is_as_is) {
        as_is(0)
        print ".PP"
    }
    needs_paragraph = in_terms = 0
    print escape($0)
    next
}
# Indented: a term, the rest of its meaning, or as it is.
/^ +-/ && !has_options {
    print ".SH OPTIONS"
    has_options = 1
}
!is_as_is && indent_of($0) <= 8 && (/^ +-/ || /^ +[A-Za-z].*[^ ]  +[^ ]/ || in_commands) {
    term($0)
    in_terms = 1
    next
}
in_terms {
    if (!column) column = indent_of($0)
    meaning(substr($0, indent_of($0) + 1), indent_of($0) > column)
    next
}
{
    as_is(1)
    print escape($0)
}
END {
    as_is(0)
    if (also) {
        count = split(also, pages, / /)
        print ".SH \"SEE ALSO\""
        for (i = 1; i <= count; i++) {
            sub(/\(/, " (", pages[i])
            printf ".BR %s%s\n", pages[i], i < count ? "," : ""
        }
    }
}

"""From Markdown epics to epic files: what people wrote for people, in the ways in which they write it.

::

    document   Markdown as blocks of lines, by markdown-it
    labels     what `**Prerequisites:**` and its like announce
    outline    blocks as epics and stories, each with what is said of it
    mentions   `Stories 1.1-1.3, Epic 2 (all stories)` as what it names
    sentences  `Story 1 must complete before Story 2` as who needs whom
    placing    what is named, among the stories that there are
    writing    epics as YAML
    converter  files in, files out

Nothing is guessed silently: what looks like a dependency and cannot be placed is a problem with its line.
"""

"""Paragraphs whose lines are of nearly equal length."""


def balance(text: str, width: int = 72) -> list[str]:
    """Break text into lines of at most width, so that the squares of the blanks at their ends are fewest.

    A word longer than width stands alone on a line. The last line counts like any other.
    """
    if width < 1:
        raise ValueError("width must be at least 1")
    words = text.split()
    best: list[tuple[int, int]] = [(0, 0)]  # for the first n words: least cost, start of the last line
    for end in range(1, len(words) + 1):
        options = []
        length = -1
        for start in range(end - 1, -1, -1):
            length += 1 + len(words[start])
            if length > width and start < end - 1:
                break
            options.append((best[start][0] + max(width - length, 0) ** 2, start))
        best.append(min(options))
    lines: list[str] = []
    end = len(words)
    while end:
        start = best[end][1]
        lines.insert(0, " ".join(words[start:end]))
        end = start
    return lines

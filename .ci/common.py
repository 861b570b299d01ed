"""What the checks share: the files, the text of one, and how problems are told."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.chdir(ROOT)


def tracked_files():
    """Every file that git has or would take, sorted; deleted ones left out."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             check=True, stdout=subprocess.PIPE).stdout.decode()
    return sorted({path for path in listing.split("\0") if path and os.path.isfile(path)})


def read_text(path):
    """The file's text, or None when it is not text."""
    with open(path, "rb") as file:
        data = file.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def split_source(text):
    """C++ source as (code, strings): two texts of the same length and lines, the other's characters blanked.

    Comments are in neither. Character literals count as code with blank content.
    """
    code, strings = [], []

    def put(piece, to):
        blank = "".join(c if c == "\n" else " " for c in piece)
        code.append(piece if to == "code" else blank)
        strings.append(piece if to == "strings" else blank)

    i = 0
    while i < len(text):
        if text.startswith("//", i):
            end = text.find("\n", i)
            end = len(text) if end < 0 else end
            put(text[i:end], "none")
        elif text.startswith("/*", i):
            end = text.find("*/", i + 2)
            end = len(text) if end < 0 else end + 2
            put(text[i:end], "none")
        elif text.startswith('R"', i) and (i == 0 or not (text[i - 1].isalnum() or text[i - 1] == "_")):
            open_at = text.index("(", i)
            closing = ")" + text[i + 2:open_at] + '"'
            end = text.find(closing, open_at)
            end = len(text) if end < 0 else end + len(closing)
            put(text[i:end], "strings")
        elif text[i] == '"' or (text[i] == "'" and not (i and text[i - 1].isalnum())):
            end = i + 1
            while end < len(text) and text[end] not in (text[i], "\n"):
                end += 2 if text[end] == "\\" else 1
            end = min(end + 1, len(text))
            put(text[i:end], "strings" if text[i] == '"' else "none")
        else:
            end = i + 1
            put(text[i:end], "code")
        i = end
    return "".join(code), "".join(strings)


class Problems:
    """Collects `path:line: text` and turns them into an exit code."""

    def __init__(self, check):
        self.check = check
        self.lines = []

    def add(self, path, line, text):
        self.lines.append(f"{path}:{line}: {text}" if line else f"{path}: {text}")

    def report(self):
        for line in self.lines:
            print(line)
        if self.lines:
            print(f"{self.check}: {len(self.lines)} problem(s)")
        return 1 if self.lines else 0

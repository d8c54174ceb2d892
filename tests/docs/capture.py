"""Write the real answers into the pages: `python -m tests.docs.capture [PAGE ...]`. Then read the difference."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import PLAYED, ROOT, answers, blocks, text_of, typed
from tests.docs.space import Space, opened


def capture(space: Space, page: str) -> None:
    real = {(line.command, line.answer): said for line, said, _ in space.play(page)}
    text = text_of(page)
    for block in reversed(list(blocks(page))):
        if block.language != "console":
            continue
        written = ""
        for line in typed(block):
            said = real.get((line.command, line.answer))
            keep = said is None or answers(line.answer, said)
            answer = line.answer if keep or said is None else said
            answer = re.sub(r" +$", "", answer, flags=re.MULTILINE).strip("\n") + "\n"
            written += f"$ {line.command}{answer if answer.strip() else ''}"
        text = text[: block.start] + written + text[block.end :]
    (ROOT / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as space:
        for page in sys.argv[1:] or PLAYED:
            if (ROOT / page).exists():
                capture(space, page)

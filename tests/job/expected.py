"""The main job computed a second time, in plain Python that shares nothing with the engine.

Reads web-log events (docs/formats/weblog_event.md) and gives what the ranking and the windows must
be.
"""

import collections
import datetime
import gzip
import json

IMAGES = (".gif", ".jpg", ".jpeg", ".png", ".xbm", ".bmp", ".ico")


def events_of_tsv(path):
    """(epoch seconds, method, url, reply, bytes) of each data line."""
    with gzip.open(path, "rt", encoding="latin-1", newline="\n") as lines:
        next(lines)
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) < 7:
                continue
            yield int(fields[2]), fields[3], fields[4], fields[5], fields[6]


def page_of(method, url, reply):
    """The page's name, or None for what is not a successful GET of a page."""
    if method != "GET" or str(reply) != "200":
        return None
    path = url.split("?", 1)[0]
    return None if path.lower().endswith(IMAGES) else path


def page_hits(path):
    """[(epoch seconds, page, bytes or None)] of the successful page views."""
    for seconds, method, url, reply, size in events_of_tsv(path):
        page = page_of(method, url, reply)
        if page is not None:
            yield seconds, page, int(size) if size.isdigit() else None


def windows(path, duration=3600, slide=600):
    """{(window start, page): [hits, bytes]}, in epoch seconds."""
    found = collections.defaultdict(lambda: [0, 0])
    for seconds, page, size in page_hits(path):
        last = seconds - seconds % slide
        for start in range(last - duration + slide, last + slide, slide):
            entry = found[start, page]
            entry[0] += 1
            entry[1] += size or 0
    return dict(found)


def closed_windows(path, delay=600, duration=3600, slide=600):
    """The windows that append mode has put out once all input is read: those that end at or before
    the watermark (the latest page view, less the delay)."""
    latest = max(seconds for seconds, *_ in page_hits(path))
    watermark = latest - delay
    return {
        key: value
        for key, value in windows(path, duration, slide).items()
        if key[0] + duration <= watermark
    }


def top_pages(path, count=20):
    """[(page, hits)], most hits first, then by name."""
    hits = collections.Counter(page for _, page, _ in page_hits(path))
    return sorted(hits.items(), key=lambda item: (-item[1], item[0]))[:count]


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z"
    )


def json_lines(path):
    """The events as `millrace weblog` writes them."""
    for seconds, method, url, reply, size in events_of_tsv(path):
        yield json.dumps(
            {
                "timestamp": iso(seconds),
                "request": f"{method} {url}",
                "http_reply": int(reply) if reply.isdigit() else None,
                "bytes": int(size) if size.isdigit() else None,
            }
        )

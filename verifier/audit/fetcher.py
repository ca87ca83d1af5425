"""The only source that rendering may read from: the fonts of the package, held in memory."""

from __future__ import annotations

from typing import Any

from weasyprint.urls import URLFetcher, URLFetcherResponse


class PackageFonts(URLFetcher):  # type: ignore[misc] # WeasyPrint carries no types
    """Serves known addresses from memory and refuses every other one: no file, no network, no ``data:``."""

    def __init__(self, files: dict[str, bytes]) -> None:
        """``files`` maps addresses to contents."""
        super().__init__(allowed_protocols=(), allow_redirects=False)
        self._files = files

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:  # noqa: ANN401, ARG002 - WeasyPrint's signature
        """Content of a known address."""
        if url not in self._files:
            raise ValueError(f"nothing is loaded from outside: {url[:100]}")
        return URLFetcherResponse(url, self._files[url], {"Content-Type": "font/ttf"})

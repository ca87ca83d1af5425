"""The pieces of the HTML report: each file draws one part of the page."""

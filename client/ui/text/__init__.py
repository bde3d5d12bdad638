"""Text for a terminal: widths, line breaks, times, links and the texts in two languages. Pure."""

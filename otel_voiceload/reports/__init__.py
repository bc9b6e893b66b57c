"""From a run in the store to one Report value, and from there to text, pages and files."""

"""The sections of the Lab: what each found, and its figure and table. Drawn in their order by the page."""

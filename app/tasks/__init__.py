"""The tasks' halves of the app: one folder each, with its form, its picture and its words."""

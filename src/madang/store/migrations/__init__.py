"""Migrations of the schema, packaged with the program."""

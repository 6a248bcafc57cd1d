"""One module for each step; alembic orders them by what each revises."""

"""Who may not connect to the realtime channels: users and tokens, until when."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "realtime_bans",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(precision=53), nullable=False),
        sa.Column("issued_before", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject"),
    )

"""Which server takes a broadcast in, and when it last said so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcasts", sa.Column("node", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "broadcasts", sa.Column("alive_at", sa.Float(precision=53), server_default="0", nullable=False)
    )

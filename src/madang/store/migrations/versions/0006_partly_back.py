"""How much of a paid message was paid back already."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("paid_orders", sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False))

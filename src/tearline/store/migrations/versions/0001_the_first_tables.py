"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "account",
        sa.Column("key_hash", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_table(
        "account_key",
        sa.Column("key_hash", text, nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    with op.batch_alter_table("account_key", schema=None) as batch_op:
        batch_op.create_index("account_key_account", ["account"], unique=False)

    op.create_table(
        "account_right",
        sa.Column("account", text, nullable=False),
        sa.Column("collection", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("can_read", sa.Boolean(), nullable=False),
        sa.Column("can_write", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account", "collection"),
    )
    op.create_table(
        "agreement_draft",
        sa.Column("staff", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("partner", text, nullable=False),
        sa.Column("document", text, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("staff", "agreement_id"),
    )
    op.create_table(
        "agreement_version",
        sa.Column("hash", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("our_slot", text, nullable=False),
        sa.Column("their_slot", text, nullable=False),
        sa.Column("partner", text, nullable=False),
        sa.Column("one_sided", sa.Boolean(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("serving", sa.Boolean(), nullable=False),
        sa.Column("accepting", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    with op.batch_alter_table("agreement_version", schema=None) as batch_op:
        batch_op.create_index("agreement_version_id", ["agreement_id", "version"], unique=False)
        batch_op.create_index("agreement_version_partner", ["partner"], unique=False)
        batch_op.create_index("agreement_version_title", ["title"], unique=False)

    op.create_table(
        "alias",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("delivered_id", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "delivered_id"),
    )
    with op.batch_alter_table("alias", schema=None) as batch_op:
        batch_op.create_index("alias_ours", ["agreement_id", "stix_id"], unique=False)

    op.create_table(
        "alike",
        sa.Column("stix_id", text, nullable=False),
        sa.Column("proposition", text, nullable=False),
        sa.PrimaryKeyConstraint("stix_id"),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("alike", schema=None) as batch_op:
        batch_op.create_index("alike_proposition", ["proposition"], unique=False)

    op.create_table(
        "alike_said",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", text, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.PrimaryKeyConstraint("seq", "member"),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("alike_said", schema=None) as batch_op:
        batch_op.create_index("alike_said_member", ["member"], unique=False)

    op.create_table(
        "annotation",
        sa.Column("stix_id", text, nullable=False),
        sa.Column("marking", sa.Integer(), nullable=True),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stix_id"),
    )
    op.create_table(
        "card",
        sa.Column("party", text, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("party", "place"),
        sa.UniqueConstraint("party", "hash"),
    )
    op.create_table(
        "certificate",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("spans", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=True),
        sa.Column("receipt", text, nullable=True),
        sa.PrimaryKeyConstraint("agreement_id", "ours"),
    )
    op.create_table(
        "claim",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.Column("polarity", text, nullable=False),
        sa.Column("denies", text, nullable=True),
        sa.Column("certainty", text, nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=True),
        sa.Column("true_from_at", sa.BigInteger(), nullable=True),
        sa.Column("true_until_at", sa.BigInteger(), nullable=True),
        sa.Column("report", text, nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("upto", sa.Double(), nullable=True),
        sa.Column("bound", text, nullable=True),
        sa.Column("unit", text, nullable=True),
        sa.Column("own_judgement", sa.Boolean(), nullable=False),
        sa.Column("problem", text, nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("stix_id", "origin"),
        info={"derived": True},
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(
            "claim_denial",
            ["seq"],
            unique=False,
            sqlite_where=sa.text("denies IS NOT NULL"),
            postgresql_where=sa.text("denies IS NOT NULL"),
        )
        batch_op.create_index("claim_denies", ["denies"], unique=False)
        batch_op.create_index(
            "claim_problem",
            ["seq"],
            unique=False,
            sqlite_where=sa.text("problem IS NOT NULL"),
            postgresql_where=sa.text("problem IS NOT NULL"),
        )
        batch_op.create_index("claim_report", ["report"], unique=False)

    op.create_table(
        "claim_about",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("about", text, nullable=False),
        sa.Column("polarity", text, nullable=False),
        sa.PrimaryKeyConstraint("seq", "about"),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("claim_about", schema=None) as batch_op:
        batch_op.create_index("claim_about_of", ["about", "polarity", "seq"], unique=False)

    op.create_table(
        "claim_again",
        sa.Column("stix_id", text, nullable=False),
        sa.PrimaryKeyConstraint("stix_id"),
        info={"derived": True},
    )
    op.create_table(
        "claim_link",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", text, nullable=False),
        sa.Column("role", text, nullable=False),
        sa.Column("unnamed", sa.Boolean(), nullable=False),
        sa.Column("report", text, nullable=True),
        sa.PrimaryKeyConstraint("seq", "place"),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("claim_link", schema=None) as batch_op:
        batch_op.create_index("claim_link_identity", ["identity", "seq"], unique=False)

    op.create_table(
        "claim_upto",
        sa.Column("recipe", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipe"),
        info={"derived": True},
    )
    op.create_table(
        "claim_use",
        sa.Column("stix_id", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("place", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("credibility", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stix_id", "place"),
    )
    op.create_table(
        "collected",
        sa.Column("collection", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("version_at", sa.BigInteger(), nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("earliest", sa.Boolean(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "at"),
        sa.UniqueConstraint("seq", "collection"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("collected", schema=None) as batch_op:
        batch_op.create_index(
            "collected_type",
            ["collection", "type", "at", "latest", "earliest", "seq"],
            unique=False,
        )

    op.create_table(
        "collection",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("description", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "committed",
        sa.Column("log", text, nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "idx"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consent",
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("item", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("agreement", text, nullable=False),
        sa.Column("given", text, nullable=False),
        sa.Column("given_hash", text, nullable=False),
        sa.Column("under", text, nullable=False),
        sa.Column("clause", text, nullable=False),
        sa.Column("object", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("to_slug", text, nullable=False),
        sa.Column("to_name", text, nullable=False),
        sa.Column("to_key", text, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", text, nullable=False),
        sa.Column("signed", text, nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ours", "party", "item"),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index("consent_given", ["agreement_id", "given"], unique=False)
        batch_op.create_index("consent_item", ["item"], unique=False)

    op.create_table(
        "cosignature",
        sa.Column("log", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("line", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "name"),
    )
    op.create_table(
        "covering",
        sa.Column("log", text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("line", text, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size"),
    )
    op.create_table(
        "credential",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("secret", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_table(
        "cursor",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("next", text, nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_table(
        "decision",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.Column("outcome", text, nullable=False),
        sa.Column("clause", text, nullable=False),
        sa.Column("reasons", text, nullable=False),
        sa.Column("delivered_id", text, nullable=False),
        sa.Column("basis", text, nullable=False),
        sa.Column("path", text, nullable=False),
        sa.Column("attested", text, nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("stix_id", "agreement_id"),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("decision_until", ["until_at"], unique=False)

    op.create_table(
        "echo",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("ours", text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        info={"derived": True},
    )
    with op.batch_alter_table("echo", schema=None) as batch_op:
        batch_op.create_index("echo_stix_id", ["stix_id"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("hash", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("about", text, nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("evidence_party", ["party"], unique=False)

    op.create_table(
        "fallen",
        sa.Column("number", serial, autoincrement=False, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("partner", text, nullable=False),
        sa.Column("was", text, nullable=False),
        sa.Column("now", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", text, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "group_edition",
        sa.Column("name", text, nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "edition"),
    )
    op.create_table(
        "group_pair",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    with op.batch_alter_table("group_pair", schema=None) as batch_op:
        batch_op.create_index("group_pair_name", ["name", "at"], unique=False)

    op.create_table(
        "head",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_table(
        "hold",
        sa.Column("kind", text, nullable=False),
        sa.Column("value", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value"),
    )
    op.create_table(
        "hop_report",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "position"),
    )
    op.create_table(
        "import_job",
        sa.Column("id", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("files", text, nullable=False),
        sa.Column("marking", sa.Integer(), nullable=True),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("source", text, nullable=True),
        sa.Column("state", text, nullable=False),
        sa.Column("file", sa.Integer(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("result", text, nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("holder", text, nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("unwanted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lease",
        sa.Column("name", text, nullable=False),
        sa.Column("holder", text, nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "listed",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        info={"derived": True},
    )
    with op.batch_alter_table("listed", schema=None) as batch_op:
        batch_op.create_index("listed_of_kind", ["kind", "seq"], unique=False)

    op.create_table(
        "listed_again",
        sa.Column("stix_id", text, nullable=False),
        sa.PrimaryKeyConstraint("stix_id"),
        info={"derived": True},
    )
    op.create_table(
        "listed_kind",
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("marking", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
        info={"derived": True},
    )
    op.create_table(
        "listed_tally",
        sa.Column("chunk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("chunk", "kind"),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "listed_upto",
        sa.Column("recipe", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipe"),
        info={"derived": True},
    )
    op.create_table(
        "local_account",
        sa.Column("name", text, nullable=False),
        sa.Column("password", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("log", text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size"),
    )
    op.create_table(
        "log_head",
        sa.Column("log", text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log"),
    )
    op.create_table(
        "log_kind",
        sa.Column("log", text, nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.PrimaryKeyConstraint("log", "idx", "kind"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("log_kind", schema=None) as batch_op:
        batch_op.create_index("log_kind_tiles", ["log", "kind", "idx"], unique=False)

    op.create_table(
        "log_leaf",
        sa.Column("log", text, nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "idx"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_record",
        sa.Column("log", text, nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "idx", "item"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_tile",
        sa.Column("log", text, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("within", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "idx"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_watched",
        sa.Column("log", text, nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log"),
    )
    op.create_table(
        "message_in",
        sa.Column("id", text, nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "party"),
    )
    op.create_table(
        "message_out",
        sa.Column("seq", serial, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("agreement_id", text, nullable=True),
        sa.Column("agreement", text, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=True),
        sa.Column("statement", text, nullable=True),
        sa.Column("rendered", sa.LargeBinary(), nullable=True),
        sa.Column("receipt_hash", text, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    with op.batch_alter_table("message_out", schema=None) as batch_op:
        batch_op.create_index("message_out_pending", ["party", "delivered_at"], unique=False)

    op.create_table(
        "message_waiting",
        sa.Column("seq", serial, nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "object_raw",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        postgresql_partition_by="RANGE (seq)",
    )
    op.create_table(
        "object_version",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.Column("version_at", sa.BigInteger(), nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("marking", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("pap", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("origin", "stix_id", "version_at"),
    )
    op.create_table(
        "our_pseudonym",
        sa.Column("pseudonym", text, nullable=False),
        sa.Column("identity", text, nullable=False),
        sa.PrimaryKeyConstraint("pseudonym"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "owner",
        sa.Column("slug", text, nullable=False),
        sa.Column("root", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slug"),
    )
    op.create_table(
        "party",
        sa.Column("slug", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=True),
        sa.Column("card_hash", text, nullable=True),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("blocked_at", sa.BigInteger(), nullable=True),
        sa.Column("blocked_reason", text, nullable=True),
        sa.Column("doubted_at", sa.BigInteger(), nullable=True),
        sa.Column("doubt", text, nullable=True),
        sa.PrimaryKeyConstraint("slug"),
    )
    op.create_table(
        "passed",
        sa.Column("stix_id", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.PrimaryKeyConstraint("stix_id"),
    )
    with op.batch_alter_table("passed", schema=None) as batch_op:
        batch_op.create_index("passed_agreement", ["agreement_id"], unique=False)

    op.create_table(
        "passing",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_table(
        "person",
        sa.Column("name", text, nullable=False),
        sa.Column("key", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "preview_offer",
        sa.Column("agreement", text, nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("bands", text, nullable=False),
        sa.Column("signed", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "ours"),
    )
    op.create_table(
        "private_pending",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("record", text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "question",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "quota_day",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("day_at", sa.BigInteger(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_table(
        "recall",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("delivered_id", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("receipt", text, nullable=True),
        sa.PrimaryKeyConstraint("agreement_id", "position"),
    )
    with op.batch_alter_table("recall", schema=None) as batch_op:
        batch_op.create_index(
            "recall_answered",
            ["agreement_id", "at", "position"],
            unique=False,
            sqlite_where=sa.text("acknowledged_at IS NOT NULL"),
            postgresql_where=sa.text("acknowledged_at IS NOT NULL"),
        )
        batch_op.create_index(
            "recall_open",
            ["agreement_id", "at", "position"],
            unique=False,
            sqlite_where=sa.text("acknowledged_at IS NULL"),
            postgresql_where=sa.text("acknowledged_at IS NULL"),
        )

    op.create_table(
        "received",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("delivered_id", text, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("slip", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("reasons", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "hash"),
    )
    with op.batch_alter_table("received", schema=None) as batch_op:
        batch_op.create_index("received_object", ["agreement_id", "delivered_id"], unique=False)
        batch_op.create_index(
            "received_quarantined",
            ["agreement_id", "at", "hash"],
            unique=False,
            sqlite_where=sa.text("state = 'quarantined'"),
            postgresql_where=sa.text("state = 'quarantined'"),
        )
        batch_op.create_index("received_state", ["agreement_id", "state"], unique=False)
        batch_op.create_index("received_until", ["until_at"], unique=False)

    op.create_table(
        "reference",
        sa.Column("from_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", text, nullable=False),
        sa.Column("to_id", text, nullable=False),
        sa.PrimaryKeyConstraint("from_seq", "place"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("reference", schema=None) as batch_op:
        batch_op.create_index("reference_to", ["to_id"], unique=False)

    op.create_table(
        "refusal",
        sa.Column("seq", serial, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("code", text, nullable=False),
        sa.Column("message_hash", text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.create_index("refusal_party", ["party", "at"], unique=False)

    op.create_table(
        "relation",
        sa.Column("via_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("source_id", text, nullable=False),
        sa.Column("target_id", text, nullable=False),
        sa.PrimaryKeyConstraint("via_seq", "place"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("relation", schema=None) as batch_op:
        batch_op.create_index("relation_source", ["source_id"], unique=False)
        batch_op.create_index("relation_target", ["target_id", "kind"], unique=False)

    op.create_table(
        "release",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("delivered_id", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("basis", text, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("cut_raw", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "position"),
        postgresql_partition_by="HASH (agreement_id)",
    )
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.create_index("release_at", ["agreement_id", "at"], unique=False)
        batch_op.create_index(
            "release_object", ["agreement_id", "delivered_id", "position"], unique=False
        )
        batch_op.create_index(
            "release_stands",
            ["agreement_id", "position"],
            unique=False,
            sqlite_where=sa.text("live AND basis <> 'withdrawn'"),
            postgresql_where=sa.text("live AND basis <> 'withdrawn'"),
        )

    op.create_table(
        "report_said",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("from_id", text, nullable=False),
        sa.Column("to_id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        info={"derived": True},
    )
    with op.batch_alter_table("report_said", schema=None) as batch_op:
        batch_op.create_index("report_said_from", ["from_id"], unique=False)
        batch_op.create_index("report_said_to", ["to_id"], unique=False)

    op.create_table(
        "report_tie",
        sa.Column("from_id", text, nullable=False),
        sa.Column("to_id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", text, nullable=False),
        sa.PrimaryKeyConstraint("from_id", "to_id"),
    )
    with op.batch_alter_table("report_tie", schema=None) as batch_op:
        batch_op.create_index("report_tie_to", ["to_id"], unique=False)

    op.create_table(
        "review",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.Column("item", text, nullable=False),
        sa.Column("clause", text, nullable=False),
        sa.Column("delivered_id", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.PrimaryKeyConstraint("stix_id", "agreement_id"),
    )
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.create_index("review_item", ["item"], unique=False)
        batch_op.create_index(
            "review_state", ["state", "asked_at", "item", "agreement_id"], unique=False
        )

    op.create_table(
        "same_source",
        sa.Column("identity", text, nullable=False),
        sa.Column("as_identity", text, nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", text, nullable=False),
        sa.PrimaryKeyConstraint("identity"),
    )
    with op.batch_alter_table("same_source", schema=None) as batch_op:
        batch_op.create_index("same_source_as", ["as_identity"], unique=False)

    op.create_table(
        "scope", sa.Column("hash", text, nullable=False), sa.PrimaryKeyConstraint("hash")
    )
    op.create_table(
        "second_hop",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("release", sa.BigInteger(), nullable=False),
        sa.Column("over_id", text, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "release", "over_id", "position"),
    )
    with op.batch_alter_table("second_hop", schema=None) as batch_op:
        batch_op.create_index("second_hop_over", ["over_id", "position"], unique=False)

    op.create_table(
        "seen",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_table(
        "served",
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("key_hash", text, nullable=False),
        sa.Column("hour_at", sa.BigInteger(), nullable=False),
        sa.Column("party", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("spans", text, nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "key_hash", "hour_at"),
    )
    op.create_table(
        "source",
        sa.Column("name", text, nullable=False),
        sa.Column("url", text, nullable=False),
        sa.Column("way", text, nullable=False),
        sa.Column("login", text, nullable=False),
        sa.Column("secret", text, nullable=False),
        sa.Column("plain_http", sa.Boolean(), nullable=False),
        sa.Column("marking", sa.Integer(), nullable=True),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "source_collection",
        sa.Column("source", text, nullable=False),
        sa.Column("url", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("after_at", sa.BigInteger(), nullable=True),
        sa.Column("next", text, nullable=False),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("top_at", sa.BigInteger(), nullable=True),
        sa.Column("ordered", sa.Boolean(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("met", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("lifted", sa.BigInteger(), nullable=False),
        sa.Column("reasons", text, nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", text, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("again_at", sa.BigInteger(), nullable=True),
        sa.Column("wait_at", sa.BigInteger(), nullable=True),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "url"),
    )
    op.create_table(
        "staff",
        sa.Column("name", text, nullable=False),
        sa.Column("role", text, nullable=False),
        sa.Column("password", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("subject", text, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.create_index("staff_subject", ["subject"], unique=False)

    op.create_table(
        "staff_challenge",
        sa.Column("hash", text, nullable=False),
        sa.Column("purpose", text, nullable=False),
        sa.Column("bound_to", text, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    with op.batch_alter_table("staff_challenge", schema=None) as batch_op:
        batch_op.create_index("staff_challenge_bound_to", ["bound_to"], unique=False)

    op.create_table(
        "staff_invitation",
        sa.Column("token_hash", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("role", text, nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "staff_passkey",
        sa.Column("credential", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("label", text, nullable=False),
        sa.Column("key", text, nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("credential"),
    )
    with op.batch_alter_table("staff_passkey", schema=None) as batch_op:
        batch_op.create_index("staff_passkey_name", ["name"], unique=False)

    op.create_table(
        "staff_session",
        sa.Column("token_hash", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("proven_at", sa.BigInteger(), nullable=False),
        sa.Column("place", text, nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    with op.batch_alter_table("staff_session", schema=None) as batch_op:
        batch_op.create_index("staff_session_name", ["name"], unique=False)

    op.create_table(
        "staff_view",
        sa.Column("staff", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("query", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("staff", "title"),
    )
    op.create_table(
        "standing",
        sa.Column("identity", text, nullable=False),
        sa.Column("reliability", text, nullable=True),
        sa.Column("discredited", text, nullable=True),
        sa.Column("person", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("identity"),
    )
    op.create_table(
        "statement",
        sa.Column("hash", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("agreement", text, nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        sa.UniqueConstraint("agreement_id", "ours", "place"),
    )
    op.create_table(
        "stirred",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "submission",
        sa.Column("id", text, nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("known", text, nullable=False),
        sa.Column("failed", text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index("submission_at", ["at"], unique=False)

    op.create_table(
        "topic_key",
        sa.Column("origin", text, nullable=False),
        sa.Column("key", text, nullable=False),
        sa.Column("stix_id", text, nullable=False),
        sa.PrimaryKeyConstraint("origin", "key", "stix_id"),
    )
    with op.batch_alter_table("topic_key", schema=None) as batch_op:
        batch_op.create_index("topic_key_object", ["origin", "stix_id"], unique=False)

    op.create_table(
        "verdict",
        sa.Column("seq", serial, autoincrement=False, nullable=False),
        sa.Column("item", text, nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("verdict", text, nullable=False),
        sa.Column("text", text, nullable=False),
        sa.Column("signed", text, nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.create_index("verdict_item", ["item"], unique=False)

    op.create_table(
        "visit",
        sa.Column("kind", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("agreement_id", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("method", text, nullable=False),
        sa.Column("resource", text, nullable=False),
        sa.Column("collection", text, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("added_after", sa.BigInteger(), nullable=True),
        sa.Column("types", text, nullable=False),
        sa.Column("agent", text, nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("key_hash", text, nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=True),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("objects_total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "agreement_id"),
    )
    op.create_table(
        "vouch",
        sa.Column("card", text, nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("card", "by"),
    )
    op.create_table(
        "witnessed",
        sa.Column("origin", text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("origin"),
    )
    op.create_table(
        "worth",
        sa.Column("proposition", text, nullable=False),
        sa.Column("polarity", text, nullable=False),
        sa.Column("supporting", sa.Integer(), nullable=False),
        sa.Column("against", sa.Integer(), nullable=False),
        sa.Column("credibility", sa.Integer(), nullable=False),
        sa.Column("flags", text, nullable=False),
        sa.PrimaryKeyConstraint("proposition", "polarity"),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "worth_again",
        sa.Column("stix_id", text, nullable=False),
        sa.PrimaryKeyConstraint("stix_id"),
        info={"derived": True},
    )
    op.create_table(
        "worth_confirmed",
        sa.Column("stix_id", text, nullable=False),
        sa.Column("polarity", text, nullable=False),
        sa.Column("credibility", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.Integer(), nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", text, nullable=False),
        sa.PrimaryKeyConstraint("stix_id", "polarity"),
    )

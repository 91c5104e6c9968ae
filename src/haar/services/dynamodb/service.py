"""DynamoDB's front door: what it is made of."""

from __future__ import annotations

from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.dynamodb import (
    accounts,
    backfills,
    batches,
    items,
    journal,
    reads,
    stream_lives,
    streams,
    table_updates,
    tables,
    tags,
    throttling,
    time_to_live,
    transactions,
)
from haar.services.dynamodb.backups import backups, copies, recovery, system
from haar.services.dynamodb.partiql.batches import batch_execute_statement
from haar.services.dynamodb.partiql.statements import execute_statement
from haar.services.dynamodb.partiql.transactions import execute_transaction
from haar.services.dynamodb.transfers import claims, exports, filling, gathering, imports, writing

SERVICE = Service(
    name="dynamodb",
    models=("dynamodb", "dynamodbstreams"),
    operations=collect(
        tables.create_table,
        tables.describe_table,
        tables.list_tables,
        tables.delete_table,
        table_updates.update_table,
        tags.tag_resource,
        tags.untag_resource,
        tags.list_tags_of_resource,
        time_to_live.update_time_to_live,
        time_to_live.describe_time_to_live,
        streams.list_streams,
        streams.describe_stream,
        streams.get_shard_iterator,
        streams.get_records,
        accounts.describe_limits,
        accounts.describe_endpoints,
        items.get_item,
        items.put_item,
        items.update_item,
        items.delete_item,
        reads.query,
        reads.scan,
        batches.batch_get_item,
        batches.batch_write_item,
        transactions.transact_write_items,
        transactions.transact_get_items,
        execute_statement,
        batch_execute_statement,
        execute_transaction,
        backups.create_backup,
        backups.describe_backup,
        backups.list_backups,
        backups.delete_backup,
        backups.restore_table_from_backup,
        recovery.update_continuous_backups,
        recovery.describe_continuous_backups,
        recovery.restore_table_to_point_in_time,
        exports.export_table_to_point_in_time,
        exports.describe_export,
        exports.list_exports,
        imports.import_table,
        imports.describe_import,
        imports.list_imports,
    ),
    jobs=(
        transactions.TOKENS,
        backfills.BACKFILL,
        stream_lives.KEEP,
        time_to_live.SWEEP,
        copies.COPIES,
        system.EXPIRY,
        journal.TRIM,
        gathering.GATHERINGS,
        writing.WRITING,
        filling.FILLING,
        claims.CLAIMS,
    ),
    adapt=throttling.adapt,
)

-- What came in, request by request: the counts that notice a file with rows missing at its end.
create view ledger as
select
    recording_id,
    batch_id,
    signal,
    make_timestamp_ns(received_unix_nano::bigint) as received,
    peer,
    items_received as accepted,
    items_stored as stored,
    items_rejected as rejected,
    reject_reasons,
    is_resend,
    null::varchar as lost_reason,
    0::uinteger as lost
from raw_batches
union all
select
    recording_id, null, signal, make_timestamp_ns(at_unix_nano::bigint), null,
    0, 0, 0, null, false, reason, coalesce(items, 0)
from raw_losses;

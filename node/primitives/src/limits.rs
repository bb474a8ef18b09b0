//! Every cap of the system. Names end in their unit; each has the reason beside it.

// ---- chain ----------------------------------------------------------------------------------------------------------

/// Least block gas limit a specification may name: room for one call of the genesis contracts.
pub const BLOCK_GAS_MIN: u64 = 5_000_000;
/// Greatest block gas limit: 2^53 − 1, so that JavaScript clients read it exactly.
pub const BLOCK_GAS_MAX: u64 = (1 << 53) - 1;
/// Greatest chain id: `35 + 2 * id` of EIP-155 stays within 64 bits.
pub const CHAIN_ID_MAX: u64 = (u64::MAX - 36) / 2;
/// Greatest time scale: all governance delays are at their floors long before it.
pub const TIME_SCALE_MAX: u64 = 1_000_000;
/// Newest blocks whose state is kept in memory as a snapshot: what BLOCKHASH can see, and what clients ask for.
pub const STATE_SNAPSHOTS: usize = 256;
/// Bound on what the snapshots keep alive: transactions, changed accounts and changed slots of the kept blocks, about
/// 1 kB each, so 24 MB. Under load fewer than [`STATE_SNAPSHOTS`] blocks are kept; older states are rebuilt from diffs.
pub const RECENT_WEIGHT_MAX: usize = 24_000;
/// States older than the snapshots that were rebuilt for a request and are kept for the next one.
pub const OLD_STATE_CACHE: usize = 4;
/// How far back in blocks an old state is rebuilt for a request; each block costs one read of its diff.
pub const OLD_STATE_BLOCKS_MAX: u64 = 100_000;
/// Longest key of a trie in bytes. The state uses hashes of 32; the depth of a trie, and with it the call stack that
/// hashing and dropping one take, follows the longest key.
pub const TRIE_KEY_BYTES_MAX: usize = 1_024;

// ---- mesh and consensus ---------------------------------------------------------------------------------------------

/// Places of a committee. ML-DSA signatures don't aggregate: a certificate of 64 is 142 kB. A bitmap is 8 bytes.
pub const VALIDATORS_MAX: usize = 64;
/// Largest cell in bytes, canonical encoding.
pub const CELL_BYTES_MAX: usize = 1024 * 1024;
/// Transactions of one cell.
pub const CELL_TRANSACTIONS_MAX: usize = 4_096;
/// Cells of one author that no block includes yet; one more waits until some are committed.
pub const CELLS_UNCOMMITTED_PER_AUTHOR_MAX: usize = 64;
/// Cells of one author that wait for their parents; one more is dropped and can be sent again.
pub const CELLS_PENDING_PER_AUTHOR_MAX: usize = 256;
/// Bytes of one author's cells that wait for their parents.
pub const CELLS_PENDING_BYTES_PER_AUTHOR_MAX: usize = 16 * 1024 * 1024;
/// How far below a cell its peer link may lie, in depth: older cells need not be looked up.
pub const LINK_DEPTH_MAX: u64 = 64;
/// Non-empty cells outside the past of a lane at which its author writes a witness.
pub const WITNESS_CELLS: usize = 16;
/// How many missing parents of one author are followed in a row: as many as it may have uncommitted.
pub const FETCH_DEPTH_MAX: usize = 64;
/// Time after which a missing parent is asked for again, elsewhere if possible, in milliseconds: several round trips.
pub const FETCH_REPEAT_MS: u64 = 500;
/// Peers that are remembered for a missing parent, to ask one after the other.
pub const FETCH_PEERS_MAX: usize = 4;
/// Peers whose bytes are counted at the same time; one more waits until another has been silent for a while.
pub const MESH_PEERS_MAX: usize = 1_024;
/// How far a clock may go back in milliseconds before quotas take it for corrected and count from the new time.
pub const CLOCK_BACK_MS_MAX: u64 = 60_000;
/// Transactions of one author's uncommitted cells that are looked at for conflicts: eight full cells, ten blocks' worth.
pub const CONFLICT_KEYS_PER_AUTHOR_MAX: usize = 32_768;
/// Appearances of one sender and nonce that are remembered; further ones are still compared with these.
pub const CONFLICT_SET_MAX: usize = 16;
/// How long a cell that waits for its parents keeps others from linking to what it contradicts, in milliseconds.
pub const CONFLICT_WAIT_MS: u64 = 1_000;
/// How far a time may lie ahead of the local clock in milliseconds; what is further ahead waits.
pub const CLOCK_AHEAD_MS_MAX: u64 = 2_000;
/// Cells an author may send in a second, on average.
pub const CELLS_PER_SECOND_MAX: u32 = 64;
/// Cells an author may send at once after a pause: as many as may be uncommitted.
pub const CELLS_BURST_MAX: u32 = 128;
/// Bytes of cells an author may send in a second, on average.
pub const CELL_BYTES_PER_SECOND_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of cells an author may send at once after a pause.
pub const CELL_BYTES_BURST_MAX: u64 = 32 * 1024 * 1024;
/// Bytes of cells a peer may send in a second, on average: it relays for many authors.
pub const PEER_BYTES_PER_SECOND_MAX: u64 = 32 * 1024 * 1024;
/// Bytes of cells a peer may send at once after a pause.
pub const PEER_BYTES_BURST_MAX: u64 = 128 * 1024 * 1024;
/// Submeshes of an epoch: with 64 authors 16,384 lanes, four blocks' worth of cut changes.
pub const SUBMESHES_MAX: usize = 256;
/// Lanes that one block advances.
pub const BLOCK_CUT_CHANGES_MAX: usize = 4_096;
/// Cells that a block includes: as many as an author may have uncommitted, in each of those lanes.
pub const BLOCK_CELLS_MAX: usize = BLOCK_CUT_CHANGES_MAX * CELLS_UNCOMMITTED_PER_AUTHOR_MAX;
/// Proofs of misbehaviour in one block.
pub const BLOCK_EVIDENCE_MAX: usize = 4;
/// Largest block in bytes: with ML-DSA-65, 4,096 cut changes (188 kB), a timeout certificate of 64 (215 kB) and 4 proofs
/// (28 kB) are below it. With ML-DSA-87 all three at their greatest are 7 kB above it, and such a block is refused.
pub const BLOCK_BYTES_MAX: usize = 512 * 1024;
/// EVM blocks by which execution may lag before only empty cuts are valid.
pub const EXECUTION_LAG_MAX: u64 = 8;
/// How far above the current round a vote or timeout is kept; those further ahead are dropped.
pub const ROUNDS_AHEAD_MAX: u64 = 64;
/// Blocks above the last committed one that are kept; further ones wait for a commit.
pub const BLOCKS_UNCOMMITTED_MAX: usize = 1_024;
/// Blocks that wait for their parent, votes or cells.
pub const BLOCKS_WAITING_MAX: usize = 256;
/// Questions to peers that are open at the same time.
pub const FETCHES_OPEN_MAX: usize = 256;
/// Proofs of misbehaviour that wait for a block.
pub const EVIDENCE_WAITING_MAX: usize = 192;
/// Largest compressed frame in bytes. What does not shrink grows by a 256th at most, so the largest cell fits however it is
/// compressed: else one that only its author can make small enough could be held by some, and passed on by nobody.
pub const FRAME_BYTES_MAX: usize = CELL_BYTES_MAX + CELL_BYTES_MAX / 256 + 64;
/// Most bytes that a frame decompresses to: eight of the largest cells, for answers that carry several.
pub const DECOMPRESSED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest window of a frame as a power of two: a frame of [`DECOMPRESSED_BYTES_MAX`] looks back no further than to its
/// beginning.
pub const FRAME_WINDOW_LOG_MAX: u32 = 23;
/// Public keys that a verifier keeps parsed, the least recently used one dropped first: the validators of three epochs,
/// and some hundred accounts. A parsed key takes up to 8 kB, so 8 MB.
pub const VERIFIER_KEYS_MAX: usize = 1_024;

// ---- network --------------------------------------------------------------------------------------------------------

/// Peers at the same time: a committee, the one before it, and as many nodes that are no validators.
pub const PEERS_MAX: usize = 192;
/// Of those, peers that are no validators of the epoch and not configured by name.
pub const OBSERVERS_MAX: usize = 64;
/// Connections that are being set up, in each direction.
pub const CONNECTIONS_PENDING_MAX: u32 = 64;
/// Connections of one peer: two meet where both sides dial at once, until one of them is closed.
pub const CONNECTIONS_PER_PEER_MAX: u32 = 2;
/// Connections of one address that have not said who they are yet.
pub const HELLOS_PER_ADDRESS_MAX: usize = 32;
/// Time from the connection to the end of the greeting in milliseconds: some round trips around the world.
pub const HELLO_MS_MAX: u64 = 5_000;
/// Bytes of a greeting: the largest key and signature (7.2 kB) and twenty addresses.
pub const HELLO_BYTES_MAX: usize = 12 * 1024;
/// Bytes of the name and version that a node gives of its program.
pub const AGENT_BYTES_MAX: usize = 64;
/// Addresses of others that a greeting carries.
pub const HELLO_ADDRESSES_MAX: usize = 16;
/// Addresses of its own that a greeting carries: two families, inside and outside.
pub const OWN_ADDRESSES_MAX: usize = 4;
/// Bytes of an address: the longest of the kind that is dialled has 63.
pub const ADDRESS_BYTES_MAX: usize = 96;
/// Addresses learned from peers that are remembered.
pub const ADDRESSES_KNOWN_MAX: usize = 256;
/// Peers at which addresses learned from others are not dialled any more.
pub const PEERS_WANTED: usize = 16;
/// Streams that a peer may open: six classes, gossip, and some that are being refused.
pub const STREAMS_PER_PEER_MAX: u32 = 12;
/// Bytes that a peer may send on one stream before we have read them: 5 MB a second at a tenth of a second there and back.
pub const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
/// Bytes that a peer may send on all streams before we have read them: room for the windows of the eight that an honest peer
/// sends on, so that a vote never waits for what is not read of another stream. Strangers can fill 256 MiB.
pub const CONNECTION_WINDOW_BYTES: u32 = 8 * STREAM_WINDOW_BYTES;
/// Time in milliseconds after which a silent connection is given up.
pub const CONNECTION_IDLE_MS: u64 = 10_000;
/// Time in milliseconds between signs of life: three fit into the idle time.
pub const KEEP_ALIVE_MS: u64 = 3_000;
/// Bytes of a block's message: a block and the certificate of its parent.
pub const BLOCK_FRAME_BYTES_MAX: usize = BLOCK_BYTES_MAX + CERTIFICATE_FRAME_BYTES_MAX;
/// Bytes of a certificate's message: 64 of the largest signatures (296 kB) and an epoch's or a time-out's entries.
pub const CERTIFICATE_FRAME_BYTES_MAX: usize = 320 * 1024;
/// Bytes of a vote's or a timeout's message: a reference and the largest signature.
pub const VOTE_FRAME_BYTES_MAX: usize = 8 * 1024;
/// Acknowledged cells in one message: all uncommitted ones of a committee.
pub const ACKS_MAX: usize = 4_096;
/// Bytes of a message with acknowledgements: so many ids.
pub const ACKS_FRAME_BYTES_MAX: usize = ACKS_MAX * 32 + 16;
/// Transactions in one message: a full cell's.
pub const FORWARDED_TRANSACTIONS_MAX: usize = CELL_TRANSACTIONS_MAX;
/// Bytes of a message with transactions: a full cell's.
pub const TRANSACTIONS_FRAME_BYTES_MAX: usize = CELL_BYTES_MAX;
/// Bytes of a request: the ids of all cells that a request may name, and some numbers.
pub const REQUEST_FRAME_BYTES_MAX: usize = REQUESTED_CELLS_MAX * 32 + 128;
/// Cells that one request may name.
pub const REQUESTED_CELLS_MAX: usize = 1_024;
/// Heights that one request may span: its answer is streamed, and a lost connection loses little.
pub const REQUESTED_HEIGHTS_MAX: u64 = 256;
/// Items of one answer: as many blocks as can be uncommitted, or the cells of some blocks. A peer that has more is asked
/// again.
pub const ANSWER_ITEMS_MAX: usize = 8_192;
/// Bytes of one piece of a snapshot: what a frame can carry.
pub const SNAPSHOT_CHUNK_BYTES_MAX: usize = 512 * 1024;
/// Bytes of the list of a snapshot's pieces: 32 each, so 4 GiB.
pub const SNAPSHOT_MANIFEST_BYTES_MAX: usize = 256 * 1024;
/// Bytes of the text that says why a request is refused.
pub const REFUSAL_BYTES_MAX: usize = 128;
/// Bytes of one item of an answer: a block with the certificate of its parent is the largest, or a cell's frame.
pub const ANSWER_FRAME_BYTES_MAX: usize = FRAME_BYTES_MAX + 64;
/// Requests to one peer that are open at the same time.
pub const REQUESTS_OPEN_MAX: usize = 8;
/// Time in milliseconds that the next item of an answer may take; reading and sending a block takes a thousandth.
pub const ANSWER_MS_MAX: u64 = 10_000;
/// Time in milliseconds from a frame's first byte to its last: the largest at 35 kB a second.
pub const FRAME_MS_MAX: u64 = 30_000;
/// Time in milliseconds for which a peer may take no vote before the connection is given up: its queue is full of old rounds
/// by then.
pub const STALL_MS_MAX: u64 = 30_000;
/// Consensus messages that wait for one peer: 64 rounds of votes, timeouts and certificates.
pub const CONSENSUS_QUEUE_MESSAGES_MAX: usize = 1_024;
/// Bytes of consensus messages that wait for one peer.
pub const CONSENSUS_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Batches of acknowledgements that wait for one peer.
pub const ACKS_QUEUE_MESSAGES_MAX: usize = 1_024;
/// Bytes of acknowledgements that wait for one peer.
pub const ACKS_QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Cells that wait for one peer. The bytes of a cell that goes to all are held once.
pub const CELLS_QUEUE_MESSAGES_MAX: usize = 4_096;
/// Bytes of cells that wait for one peer: two seconds of what an author may send.
pub const CELLS_QUEUE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Batches of transactions that wait for one peer.
pub const TRANSACTIONS_QUEUE_MESSAGES_MAX: usize = 1_024;
/// Bytes of transactions that wait for one peer.
pub const TRANSACTIONS_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Consensus messages that wait for the node. A peer whose message finds no room is read no further.
pub const VOTES_WAITING_MAX: usize = 4_096;
/// Bulk messages that wait for the node, up to 1 MiB each.
pub const BULK_WAITING_MAX: usize = 64;
/// News of connections that wait for the node.
pub const CONTROL_WAITING_MAX: usize = 1_024;
/// Consensus messages of one peer in a second, on average: rounds of 20 ms with all that belongs to them, ten times over.
pub const CONSENSUS_PER_SECOND_MAX: u64 = 2_000;
/// Bytes of consensus messages of one peer in a second, on average.
pub const CONSENSUS_BYTES_PER_SECOND_MAX: u64 = 16 * 1024 * 1024;
/// Batches of acknowledgements of one peer in a second, on average.
pub const ACKS_PER_SECOND_MAX: u64 = 1_000;
/// Bytes of acknowledgements of one peer in a second, on average.
pub const ACKS_BYTES_PER_SECOND_MAX: u64 = 4 * 1024 * 1024;
/// Cells of one peer in a second, on average: it relays for many authors.
pub const PEER_CELLS_PER_SECOND_MAX: u64 = 4_096;
/// Batches of transactions of one peer in a second, on average.
pub const TRANSACTIONS_PER_SECOND_MAX: u64 = 500;
/// Bytes of transactions of one peer in a second, on average.
pub const TRANSACTIONS_BYTES_PER_SECOND_MAX: u64 = 16 * 1024 * 1024;
/// Requests of one peer in a second, on average.
pub const REQUESTS_PER_SECOND_MAX: u64 = 100;
/// Bytes of requests of one peer in a second, on average.
pub const REQUESTS_BYTES_PER_SECOND_MAX: u64 = 1024 * 1024;
/// Seconds of its average that a peer may send at once after a pause.
pub const PEER_BURST_S: u64 = 4;
/// Time in milliseconds that a stream is not read because its peer sends too much, before that costs points.
pub const THROTTLED_MS_MAX: u64 = 5_000;
/// Frames of a peer's control stream in a second, on average: pings and a farewell.
pub const CONTROL_PER_SECOND_MAX: u64 = 4;
/// Announcements by gossip of one peer in a second, on average: it passes on those of others.
pub const ANNOUNCEMENTS_PER_SECOND_MAX: u64 = 1_000;
/// Bytes of what gossip sends at once: an announcement has 60, the rest is what belongs to gossip itself.
pub const GOSSIP_BYTES_MAX: usize = 16 * 1024;
/// Messages of gossip that wait for one peer.
pub const GOSSIP_QUEUE_MESSAGES_MAX: usize = 512;
/// Bytes of cells, transactions and answers to all peers in a second: half a gigabit line, and fast enough to catch up.
pub const BULK_BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;
/// Bytes of bulk that are written at once.
pub const BULK_WRITE_BYTES: usize = 32 * 1024;
/// Points at which a peer is banned. An undecodable message costs a tenth, a broken stream half of it.
pub const BAN_POINTS: u32 = 100;
/// Points for a message that breaks a rule of consensus or of the mesh: five of them are no accident.
pub const RULE_POINTS: u32 = 20;
/// Time in which points lose half of their weight, in milliseconds.
pub const POINTS_HALF_LIFE_MS: u64 = 300_000;
/// Time in milliseconds in which a node answers a ping before another process with its identity takes its place.
pub const RIVAL_MS_MAX: u64 = 1_000;
/// Time for which a peer is banned, in milliseconds.
pub const BAN_MS: u64 = 600_000;
/// Bans that are remembered, and scores of peers that are gone; the oldest is forgotten first.
pub const BANS_MAX: usize = 4_096;
/// Shortest time in milliseconds until a lost peer is dialled again.
pub const REDIAL_MS_MIN: u64 = 250;
/// Longest time in milliseconds until a lost peer is dialled again.
pub const REDIAL_MS_MAX: u64 = 30_000;
/// Time in milliseconds until a peer is dialled again that is of another chain or refused us: somebody has to do something
/// first.
pub const REFUSED_REDIAL_MS: u64 = 300_000;
/// Time in milliseconds for which a validator listens at its start for another node with its key.
pub const KEY_WATCH_MS: u64 = 3_000;
/// Time in milliseconds after which nobody among the first peers has such news.
pub const KEY_WATCH_AFTER_CONNECT_MS: u64 = 500;
/// Time in milliseconds for farewells when a node stops.
pub const FAREWELL_MS_MAX: u64 = 500;

// ---- Doctor ---------------------------------------------------------------------------------------------------------

/// Free space in bytes below which a disk is called full: a node that can't write signs nothing.
pub const DISK_FREE_BYTES_MIN: u64 = 1024 * 1024 * 1024;
/// Free space in bytes below which it is time to do something.
pub const DISK_FREE_BYTES_WANTED: u64 = 10 * DISK_FREE_BYTES_MIN;
/// Time in milliseconds for the answer of a node that may be running.
pub const DOCTOR_ANSWER_MS_MAX: u64 = 1_000;

// ---- Monitor --------------------------------------------------------------------------------------------------------

/// Connections of whoever watches the node.
pub const MONITOR_CONNECTIONS_MAX: usize = 16;
/// Time in milliseconds for the header of a request.
pub const MONITOR_HEADER_MS_MAX: u64 = 2_000;
/// Time in milliseconds for a whole connection: a scrape takes a few of them.
pub const MONITOR_MS_MAX: u64 = 30_000;
/// Time in milliseconds without a commit after which a node says that it is not well: some idle blocks long.
pub const HEALTHY_COMMIT_MS_MAX: u64 = 60_000;

// ---- JSON-RPC transport ---------------------------------------------------------------------------------------------

/// Most threads that serve connections: one answers 50,000 questions a second, the rest of the machine is for the chain.
pub const RPC_THREADS_MAX: usize = 4;
/// Largest request body, and largest websocket message, in bytes: a 128 KiB transaction in hex, and a batch of them.
pub const RPC_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest request line with headers in bytes: a browser's cookies and extension headers fit, a flood of them does not.
pub const RPC_HEADER_BYTES_MAX: usize = 16 * 1024;
/// Requests in one batch.
pub const RPC_BATCH_MAX: usize = 100;
/// Largest answer in bytes, batches included: what a trace of one full block needs.
pub const RPC_RESPONSE_BYTES_MAX: usize = 25_000_000;
/// Positional parameters of one method; none has more than five.
pub const RPC_PARAMETERS_MAX: usize = 8;
/// Longest request id in bytes, as written: ids are sent back, numbers and UUIDs are what clients use.
pub const RPC_ID_BYTES_MAX: usize = 256;
/// Open connections, http and websocket together.
pub const RPC_CONNECTIONS_MAX: usize = 256;
/// Open connections of one remote address (of one /64 for IPv6): a browser opens six.
pub const RPC_CONNECTIONS_PER_ADDRESS_MAX: usize = 16;
/// Time for the header of a request, from its first byte (from the connection for the first one), in milliseconds.
pub const RPC_HEADER_TIMEOUT_MS: u64 = 5_000;
/// Time for the body of a request in milliseconds: 2 MiB at 1.1 Mbit/s.
pub const RPC_BODY_TIMEOUT_MS: u64 = 15_000;
/// Time to fetch an answer and send the next request in milliseconds; also how long a silent websocket lives.
pub const RPC_IDLE_TIMEOUT_MS: u64 = 60_000;
/// Time in milliseconds between the pings that tell a silent websocket from a dead one: three fit into the idle time.
pub const RPC_WEBSOCKET_PING_MS: u64 = 20_000;
/// Unfinished calls of one websocket; it is not read further until one of them ends.
pub const RPC_WEBSOCKET_CALLS_MAX: usize = 32;
/// Running time of the heavy calls of one request, a batch together, in milliseconds.
pub const RPC_CALL_TIMEOUT_MS: u64 = 5_000;
/// Gas of one `eth_call` or a like simulation.
pub const RPC_CALL_GAS_MAX: u64 = 50_000_000;
/// Time in microseconds that a heavy call may take on its connection's own thread before it moves to the pool: ten times
/// what a usual `eth_call` takes, so that nearly none pays for the move and none delays its neighbours noticeably.
pub const RPC_CALL_INLINE_US: u64 = 250;
/// Heavy calls that run in the pool at the same time.
pub const RPC_LONG_CALLS_MAX: usize = 2;
/// Heavy calls that wait for the pool; one more is refused at once.
pub const RPC_LONG_CALLS_WAITING_MAX: usize = 16;
/// How long a heavy call waits for the pool before it is refused, in milliseconds.
pub const RPC_LONG_CALL_WAIT_MS: u64 = 900;
/// Longest wait of a call that waits for an event of the chain (`eth_sendRawTransactionSync`), in milliseconds.
pub const RPC_WAITING_CALL_TIMEOUT_MS: u64 = 30_000;
/// Subscriptions of one websocket.
pub const RPC_SUBSCRIPTIONS_MAX: usize = 64;
/// Notifications queued for one websocket; a reader further behind is disconnected.
pub const RPC_NOTICES_QUEUED_MAX: usize = 1_024;
/// Bytes of the notifications queued for one websocket.
pub const RPC_NOTICES_QUEUED_BYTES_MAX: usize = 1024 * 1024;
/// Bodies, websocket messages and answers above this many bytes count against the two totals below.
pub const RPC_LARGE_BYTES: usize = 64 * 1024;
/// Bytes of all large requests that are being received at the same time.
pub const RPC_LARGE_REQUESTS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of all large answers that are being written or that their readers have not fetched yet: room for one of the
/// largest and some smaller ones.
pub const RPC_LARGE_RESPONSES_BYTES_MAX: usize = 40_000_000;
/// Time for a shutdown in milliseconds: calls in progress finish, then connections are cut.
pub const RPC_SHUTDOWN_MS: u64 = 4_500;

// ---- JSON-RPC methods -----------------------------------------------------------------------------------------------

/// Addresses of one log filter.
pub const RPC_LOG_ADDRESSES_MAX: usize = 1_000;
/// Topics of one log filter at each of the four positions.
pub const RPC_LOG_TOPICS_MAX: usize = 1_000;
/// Blocks of one `eth_getLogs`.
pub const RPC_LOG_BLOCKS_MAX: u64 = 10_000;
/// Logs after which a search ends with the block that it is in: about 5 MB of JSON.
pub const RPC_LOG_ROWS_MAX: usize = 10_000;
/// Slots of one `eth_getProof` or `eth_getStorageValues`, as in geth.
pub const RPC_STORAGE_SLOTS_MAX: usize = 1_024;
/// Newest blocks in which a transaction is looked for by its sender and nonce; there is no index of that.
pub const RPC_SENDER_SEARCH_BLOCKS_MAX: u64 = 100_000;
/// Blocks of one `eth_feeHistory`; it answers with fewer rather than with an error, as geth does.
pub const RPC_FEE_HISTORY_BLOCKS_MAX: u64 = 1_024;
/// Reward percentiles of one `eth_feeHistory`.
pub const RPC_FEE_PERCENTILES_MAX: usize = 100;
/// Transactions, receipts or logs of one answer that are written on the connection's own thread, about 1 µs each; a call
/// whose answer has more moves to the pool of heavy calls.
pub const RPC_PARTS_INLINE_MAX: usize = 256;
/// Filters of one websocket, or of one address over http.
pub const RPC_FILTERS_MAX: usize = 256;
/// Filters of all callers together.
pub const RPC_FILTERS_TOTAL_MAX: usize = 4_096;
/// Bytes of the addresses and topics of all filters together; one filter has up to 148 kB of them.
pub const RPC_FILTERS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Seconds after which a filter that nobody polls is removed, as in geth.
pub const RPC_FILTER_IDLE_S: u64 = 300;
/// Blocks that one poll of a block filter reports; the next poll goes on.
pub const RPC_FILTER_BLOCKS_A_POLL: u64 = 1_000;
/// Newest hashes of transactions that entered the pool which filters of pending transactions can report.
pub const RPC_PENDING_KEPT: usize = 16_384;
/// Newest times the chain went back in development that filters can follow.
pub const RPC_REORGS_KEPT: usize = 64;
/// How long `eth_sendRawTransactionSync` waits if the caller does not say, in milliseconds: some blocks.
pub const RPC_SYNC_SEND_TIMEOUT_MS: u64 = 20_000;
/// How long it waits at most, in milliseconds: a little less than any waiting call may.
pub const RPC_SYNC_SEND_TIMEOUT_MAX_MS: u64 = RPC_WAITING_CALL_TIMEOUT_MS - 1_000;

// ---- store ----------------------------------------------------------------------------------------------------------

/// Read-only database connections: what two cores keep busy, with room for a slow scan beside them.
pub const STORE_READERS: usize = 4;
/// Page cache of the writing connection in KiB.
pub const STORE_WRITER_CACHE_KIB: usize = 16_384;
/// Page cache of each reading connection in KiB.
pub const STORE_READER_CACHE_KIB: usize = 2_048;
/// Pages of 4 KiB in the write-ahead log before it is copied into the database: more of them coalesce more writes.
pub const STORE_WAL_PAGES: usize = 16_384;
/// Bytes of the write-ahead log file that are kept for reuse; a larger one is cut after it was copied.
pub const STORE_WAL_KEPT_BYTES: usize = 64 * 1024 * 1024;
/// Newest steps whose rows in the flat state and the indexes are still to be written: one write for many steps.
pub const STORE_PENDING_STEPS_MAX: usize = 1_024;
/// Rows of those steps; about 150 bytes of memory each.
pub const STORE_PENDING_ROWS_MAX: usize = 65_536;
/// Bytes of one stored row before compression: a block, a step or a code.
pub const STORE_BLOB_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Steps read at once when history is walked.
pub const STORE_WALK_STEPS: usize = 64;
/// Bytes of such steps, as stored, after which the walk hands out what it has.
pub const STORE_WALK_BYTES: usize = 4 * 1024 * 1024;
/// Damages that a check of the store names one by one.
pub const STORE_CHECK_DAMAGES_MAX: usize = 20;
/// Bytes of a validator's safety log before it is replaced by its newest record: some hundred records of a committee of
/// four, some ten of 64.
pub const SAFETY_LOG_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of the pool journal: twice the bytes that the pool holds, so that at least half of a full journal is stale.
pub const POOL_JOURNAL_BYTES_MAX: u64 = 2 * POOL_BYTES_MAX as u64;

// ---- transaction pool -----------------------------------------------------------------------------------------------

/// Bytes of one EIP-2718 encoded transaction: what geth's pool takes, so that wallets meet one limit everywhere.
pub const TX_BYTES_MAX: usize = 128 * 1024;
/// Gas limit of one transaction (EIP-7825, Osaka).
pub const TX_GAS_MAX: u64 = 1 << 24;
/// Bytes of initcode of a creation (EIP-3860): twice the 24 KiB that EIP-170 allows for code.
pub const INITCODE_BYTES_MAX: usize = 49_152;
/// Transactions in the pool: 46 full blocks of transfers at 30M gas.
pub const POOL_TXS_MAX: usize = 65_536;
/// Bytes of memory that pooled transactions may take, counted with `POOL_TX_OVERHEAD_BYTES` each.
pub const POOL_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes that the pool's indexes cost for a transaction, beside the transaction itself.
pub const POOL_TX_OVERHEAD_BYTES: usize = 512;
/// Transactions of one sender: load tools queue thousands from one account.
pub const POOL_ACCOUNT_TXS_MAX: usize = 8_192;
/// How far a nonce may be ahead of the next executable one: room for what overtook its predecessors on the way.
pub const POOL_NONCE_AHEAD_MAX: u64 = 64;
/// Seconds that a transaction which can't execute yet is held: 3 hours, as in geth.
pub const POOL_QUEUED_S_MAX: u64 = 3 * 3600;
/// Percent by which a replacement must raise both the fee cap and the priority fee: each one costs a propagation.
pub const POOL_REPLACEMENT_PERCENT: u8 = 10;
/// Newest drops whose reason is remembered, so that a wallet which polls every few seconds learns why.
pub const POOL_DROPPED_MAX: usize = 8_192;
/// Bytes of the text that says why execution refused a transaction.
pub const POOL_DROP_REASON_BYTES_MAX: usize = 256;

// ---- development ----------------------------------------------------------------------------------------------------

/// Development accounts that are derived, funded and printed.
pub const DEV_ACCOUNTS_MAX: u32 = 1_000;
/// How far a nonce may be ahead in a development pool.
pub const DEV_NONCE_AHEAD_MAX: u64 = 1_024;
/// Blocks that one development call may make: more is nearly always a mistake in a unit.
pub const DEV_MINE_BLOCKS_MAX: u64 = 100_000;
/// Snapshots (`evm_snapshot`) that are remembered; the oldest is forgotten first.
pub const DEV_SNAPSHOTS_MAX: usize = 1_024;
/// Bytes of a state dump that are accepted or made, after decompression.
pub const DEV_DUMP_BYTES_MAX: usize = 256 << 20;
/// Events that a subscriber may lag behind before it is told that it missed some.
pub const EVENT_BACKLOG: usize = 4_096;

// ---- contracts ------------------------------------------------------------------------------------------------------

/// Members with founding reputation: 640 kB of calldata, about 0.8 billion gas of genesis.
pub const GENESIS_MEMBERS_MAX: usize = 10_000;
/// Candidates that `ValidatorSet` keeps; sorting them must fit an epoch's end.
pub const VALIDATOR_CANDIDATES_MAX: usize = 128;
/// Bytes of an ML-DSA-65 public key (FIPS 204).
pub const VALIDATOR_KEY_BYTES: usize = 1_952;
/// Greatest weight of a validator: the sum over a set then fits 64 bits.
pub const VALIDATOR_WEIGHT_MAX: u64 = 1 << 56;
/// Longest PeerId in bytes; a hashed one has 34, an inlined Ed25519 key 38.
pub const PEER_ID_BYTES_MAX: usize = 64;
/// Least gas a block of a submesh: one ordinary contract deployment.
pub const SUBMESH_GAS_MIN: u64 = 1_000_000;
/// Greatest gas a block of a submesh: products with a base fee stay within 128 bits.
pub const SUBMESH_GAS_MAX: u64 = 1 << 40;
/// Greatest base fee floor of a submesh in wei, 10,000 gwei: above it a vote could price everyone out.
pub const SUBMESH_BASE_FEE_FLOOR_MAX_WEI: u64 = 10_000_000_000_000;

// ---- governance -----------------------------------------------------------------------------------------------------

/// Bytes of a proposal file: eight times the transaction it becomes, which is room for hex and comments.
pub const PROPOSAL_FILE_BYTES_MAX: usize = 8 * TX_BYTES_MAX;

// ---- simulation and tracing -----------------------------------------------------------------------------------------

/// Executions of one `eth_createAccessList`; two or three are the rule, a contract can make the list flicker.
pub const ACCESS_LIST_ROUNDS_MAX: usize = 16;
/// Blocks of one `eth_simulateV1`, the ones that fill gaps included (execution-apis).
pub const SIMULATE_BLOCKS_MAX: u64 = 256;
/// Bytes that one trace request records, estimated as they are recorded: about 100,000 struct logs, and what still turns
/// into an answer of [`RPC_RESPONSE_BYTES_MAX`].
pub const TRACE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Running time that the `timeout` of a trace request may ask for, in milliseconds.
pub const TRACE_TIMEOUT_MS: u64 = 60_000;
/// Blocks of one `trace_filter`: each is executed again.
pub const TRACE_FILTER_BLOCKS_MAX: u64 = 100;

// ---- a validator's shell --------------------------------------------------------------------------------------------

/// What waits to have its signatures checked, for each of the two queues: votes, and everything else.
pub const ARRIVALS_WAITING_MAX: usize = 4_096;
/// What was checked and waits for the core, for each of the two queues.
pub const CHECKED_WAITING_MAX: usize = 4_096;
/// Arrivals whose signatures are checked as one batch: what two cores check within ten milliseconds.
pub const VERIFY_BATCH_MAX: usize = 512;
/// Milliseconds for which something that was checked waits for a core that takes nothing, before it is dropped.
pub const VERIFY_BATCH_MILLIS_MAX: u64 = 5_000;
/// Things of one queue that the core takes in before it looks at the other queues again.
pub const TURN_EVENTS_MAX: usize = 64;
/// Turns whose writes wait for the disk, and blocks that wait in the queue to execution; later ones are kept by the core's
/// task.
pub const KEEPS_WAITING_MAX: usize = 16;
/// Committed blocks that wait for execution before the core takes nothing in any more.
pub const JOBS_WAITING_MAX: usize = 1_024;
/// Cells that were asked for, to tell answers from pushes.
pub const ASKED_CELLS_MAX: usize = 65_536;
/// Committed places in memory; older ones are read from the store, 64 bytes each.
pub const PLACES_KEPT: usize = 65_536;
/// Blocks in one answer.
pub const SERVED_BLOCKS_MAX: usize = 64;
/// Cells in one answer.
pub const SERVED_CELLS_MAX: usize = 256;
/// Execution results that a start reads.
pub const RESULTS_READ_MAX: u64 = 1_024;
/// Milliseconds between two own cells.
pub const CELL_PAUSE_MS: u64 = 20;
/// Milliseconds after which own cells that are in no block are sent again.
pub const CELL_REPEAT_MS: u64 = 2_000;
/// Own cells that are sent again at once: the oldest, which the others wait for.
pub const CELLS_REPEATED: usize = 4;
/// Bytes of the reason that is kept for a transaction that was skipped.
pub const SKIP_REASON_BYTES_MAX: usize = 256;
/// Newest transactions of which it is remembered in which cells they were seen and with what they conflict, and newest
/// executed ones that are known by sender and nonce.
pub const SIGHTINGS_KEPT: usize = 65_536;
/// Cells and conflicts of one of them.
pub const SIGHTINGS_OF_ONE_MAX: usize = 16;
/// Questions of JSON-RPC to consensus that wait.
pub const ASKS_WAITING_MAX: usize = 256;
/// Time in milliseconds that JSON-RPC waits for such an answer; without it, it answers what it knows.
pub const ASK_MS_MAX: u64 = 500;
/// Part of a block's gas that one own cell takes at most: an eighth, so that cells of several authors fit into a block.
pub const CELL_GAS_PART: u64 = 8;
/// Bytes of transactions in an own cell: half of what a cell may have, so that the header fits.
pub const CELL_BODY_BYTES_WRITTEN_MAX: usize = CELL_BYTES_MAX / 2;
/// Milliseconds after which a transaction that is in no block is passed on to the next author in line.
pub const PINNED_AUTHOR_MS: u64 = 1_000;
/// Transactions submitted to this node of which it remembers to whom they were passed on: as many as the pool may hold.
pub const SUBMITTED_KEPT: usize = 65_536;

// ---- keystore files -------------------------------------------------------------------------------------------------

/// Bytes of a keystore file: those of wallets have about 500.
pub const KEYSTORE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a password file.
pub const PASSWORD_BYTES_MAX: usize = 4 * 1024;
/// Memory times lanes that scrypt may take to unlock a keystore, in bytes: four times what geth writes by default.
pub const KEYSTORE_SCRYPT_BYTES_MAX: u64 = 1 << 30;
/// Rounds of PBKDF2 to unlock a keystore.
pub const KEYSTORE_PBKDF2_MAX: u64 = 10_000_000;
/// Memory that Argon2id may take to unlock a validator's key, in KiB: 1 GiB, 16 times what is written by default.
pub const KEYSTORE_ARGON2_KIB_MAX: u32 = 1 << 20;
/// Memory in KiB times passes of Argon2id to unlock a validator's key: some seconds, 21 times what is written by default.
pub const KEYSTORE_ARGON2_WORK_KIB_MAX: u64 = 4 << 20;
/// Lanes of Argon2id to unlock a validator's key: the memory is filled by one thread, lane after lane.
pub const KEYSTORE_ARGON2_LANES_MAX: u32 = 16;
